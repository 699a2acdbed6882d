import { useState } from 'preact/hooks';
import type { ListenerJson } from '../../src/contract/contract.js';
import { numberText, rateText } from '../../src/page/count-text.js';
import { matches } from '../../src/page/matches.js';
import { act } from '../data/api.js';
import { useStore } from '../data/store.js';
import { listeners, mayOperate, session } from '../data/stores.js';
import { useAnswer } from '../data/use-answer.js';
import { ActButton } from '../parts/act-button.js';
import { FilterBox } from '../parts/filter-box.js';
import { Asking, Empty, FaultNote } from '../parts/notes.js';
import { StrangerText } from '../parts/stranger-text.js';
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
    kind: 'actions',
    cell: (listener) => (
      <ActButton
        label={`${isPaused(listener.state) ? 'Resume' : 'Pause'} ${listener.id}`}
        onAct={() => turn(listener)}
        onFault={setFault}
      >
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
      {shown.length > 0 && (
        <Table
          caption="Listeners"
          columns={mayOperate(who) ? [...COLUMNS, acts] : COLUMNS}
          rows={shown}
          keyOf={({ id }) => id}
        />
      )}
      {known?.length === 0 && (
        <Empty title="This application has no listeners">What is annotated with @Listener stands here.</Empty>
      )}
      {known !== undefined && known.length > 0 && shown.length === 0 && (
        <Empty title="No listener matches the filter" />
      )}
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
    cell: ({ id, queue, pausedBecause, hint }) => (
      <>
        <span class="row-link" tabIndex={-1}>
          <StrangerText isName text={id} />
        </span>
        <span class="sub">
          <StrangerText isName text={queue} />
        </span>
        {pausedBecause !== undefined && <span class="why">{pausedBecause}</span>}
        {hint !== undefined && <span class="why">{hint}</span>}
      </>
    ),
  },
  { head: 'State', label: 'State', cell: ({ state }) => <span class={`tag state-${state}`}>{state}</span> },
  {
    head: 'At work',
    label: 'At work',
    cell: ({ busy, concurrency }) => (
      <span class="load">
        <meter
          min={0}
          max={Math.max(1, concurrency)}
          value={busy}
          aria-label={`${busy} of ${concurrency} handlers at work`}
        />
        {busy} of {concurrency}
      </span>
    ),
  },
  {
    head: 'A second',
    kind: 'number',
    label: 'A second',
    cell: ({ handledPerSecond, failedPerSecond }) => (
      <Two first={`${rate(handledPerSecond)} handled`} second={`${rate(failedPerSecond)} failed`} />
    ),
  },
  {
    head: 'Since the start',
    kind: 'number',
    label: 'Since the start',
    cell: ({ handled, failed, parked }) => (
      <Two
        first={`${numberText(handled)} handled`}
        second={`${numberText(failed)} failed, ${numberText(parked)} parked`}
      />
    ),
  },
];

function Two({ first, second }: { readonly first: string; readonly second: string }) {
  return (
    <span>
      {first}
      <span class="sub">{second}</span>
    </span>
  );
}

function rate(value: number | undefined): string {
  return value === undefined ? '–' : rateText(value);
}
