import { useState } from 'preact/hooks';
import type { ListenerJson } from '../../src/contract.js';
import { numberText, rateText } from '../../src/page/count-text.js';
import { matches } from '../../src/page/matches.js';
import { act } from '../data/api.js';
import { useStore } from '../data/store.js';
import { listeners, mayOperate, session } from '../data/stores.js';
import { useAnswer } from '../data/use-answer.js';
import { ActButton } from '../parts/act-button.js';
import { FilterBox } from '../parts/filter-box.js';
import { Asking, Empty, FaultNote } from '../parts/notes.js';
import { type Column, Table } from '../parts/table.js';

/** Listeners of the application: what they do, and pause and resume. */
export function ListenersView() {
  const asked = useAnswer<readonly ListenerJson[]>('api/listeners');
  const told = useStore(listeners);
  const who = useStore(session);
  const [filter, setFilter] = useState('');
  const [fault, setFault] = useState<Error>();
  const known = told ?? asked.data;
  const shown = known?.filter(({ id, queue, state }) => matches(filter, [id, queue, state])) ?? [];
  const turn = async ({ id, state }: ListenerJson) => {
    const changed = await act<ListenerJson>(`api/listeners/${isPaused(state) ? 'resume' : 'pause'}`, { id });
    listeners.set((known ?? []).map((each) => (each.id === changed.id ? changed : each)));
  };
  const acts: Column<ListenerJson> = {
    head: <span class="for-readers">Act</span>,
    kind: 'acts',
    cell: (listener) => (
      <ActButton label={`${isPaused(listener.state) ? 'Resume' : 'Pause'} ${listener.id}`} onAct={() => turn(listener)} onFault={setFault}>
        {isPaused(listener.state) ? 'Resume' : 'Pause'}
      </ActButton>
    ),
  };
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>Listeners</h1>
        <p class="summary">{known !== undefined && `${known.length}, of this process`}</p>
      </div>
      <div class="tools">
        <FilterBox value={filter} what="listeners" onChange={setFilter} />
      </div>
      <FaultNote fault={fault ?? asked.fault} retry={() => void asked.reload()} />
      {known === undefined && asked.fault === undefined && <Asking what="Asking the listeners" />}
      {shown.length > 0 && <Table caption="Listeners" columns={mayOperate(who) ? [...COLUMNS, acts] : COLUMNS} rows={shown} keyOf={({ id }) => id} />}
      {known?.length === 0 && <Empty title="This application has no listeners">What is annotated with @Listener stands here.</Empty>}
      {known !== undefined && known.length > 0 && shown.length === 0 && <Empty title="No listener matches the filter" />}
    </>
  );
}

function isPaused(state: string): boolean {
  return state.startsWith('paus');
}

const COLUMNS: readonly Column<ListenerJson>[] = [
  {
    head: 'Listener',
    kind: 'main',
    cell: ({ id, pausedBecause, hint }) => (
      <>
        <span class="row-link" tabIndex={-1}>
          {id}
        </span>
        {pausedBecause !== undefined && <span class="sub">{pausedBecause}</span>}
        {hint !== undefined && <span class="sub hint">{hint}</span>}
      </>
    ),
  },
  { head: 'Queue', label: 'Queue', cell: ({ queue }) => queue },
  { head: 'State', label: 'State', cell: ({ state }) => <span class={`tag state-${state}`}>{state}</span> },
  {
    head: 'At work',
    label: 'At work',
    cell: ({ busy, concurrency }) => (
      <span class="load">
        <meter min={0} max={Math.max(1, concurrency)} value={busy} aria-label={`${busy} of ${concurrency} at work`} />
        {busy} of {concurrency}
      </span>
    ),
  },
  { head: 'Handled a second', kind: 'number', label: 'Handled a second', cell: ({ handledPerSecond }) => rate(handledPerSecond) },
  { head: 'Failed a second', kind: 'number', label: 'Failed a second', cell: ({ failedPerSecond }) => rate(failedPerSecond) },
  { head: 'Handled', kind: 'number', label: 'Handled', cell: ({ handled }) => numberText(handled) },
  { head: 'Failed', kind: 'number', label: 'Failed', cell: ({ failed }) => numberText(failed) },
  { head: 'Parked', kind: 'number', label: 'Parked', cell: ({ parked }) => numberText(parked) },
];

function rate(value: number | undefined): string {
  return value === undefined ? '–' : rateText(value);
}
