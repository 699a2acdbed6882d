import type { ScheduleJson } from '../../src/contract/contract.js';
import { numberText } from '../../src/page/count-text.js';
import { durationText } from '../../src/page/time-text.js';
import { useStore } from '../data/store.js';
import { schedules } from '../data/stores.js';
import { useAnswer } from '../data/use-answer.js';
import { Ago } from '../parts/ago.js';
import { Asking, Empty, FaultNote } from '../parts/notes.js';
import { StrangerText } from '../parts/stranger-text.js';
import { type Column, Table } from '../parts/table.js';

/** Scheduled methods: when they ran, and when they run next. */
export function SchedulesView() {
  const asked = useAnswer<readonly ScheduleJson[]>('api/schedules');
  const known = useStore(schedules) ?? asked.data;
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>Schedules</h1>
        <p class="summary">{known !== undefined && `${known.length}, of this process`}</p>
      </div>
      <FaultNote fault={asked.fault} retry={() => void asked.reload()} />
      {known === undefined && asked.fault === undefined && <Asking what="Asking for the schedules" />}
      {known?.length === 0 && (
        <Empty title="Nothing is scheduled">What is annotated with @Scheduled stands here.</Empty>
      )}
      {known !== undefined && known.length > 0 && (
        <Table caption="Schedules" columns={COLUMNS} rows={known} keyOf={({ id }) => id} />
      )}
    </>
  );
}

const COLUMNS: readonly Column<ScheduleJson>[] = [
  { head: 'Schedule', kind: 'main', cell: ({ id }) => id },
  { head: 'Rule', label: 'Rule', cell: ({ rule }) => <code>{rule}</code> },
  { head: 'State', label: 'State', cell: ({ state }) => <span class={`tag state-${state}`}>{state}</span> },
  { head: 'Next run', label: 'Next run', cell: ({ nextRun }) => <Ago at={nextRun} /> },
  {
    head: 'Last run',
    label: 'Last run',
    cell: ({ lastRun, lastDurationMs }) => (
      <>
        <Ago at={lastRun} or="not yet" />
        {lastDurationMs !== undefined && <span class="sub">took {durationText(lastDurationMs)}</span>}
      </>
    ),
  },
  {
    head: 'Result',
    kind: 'wide',
    label: 'Result',
    cell: ({ lastResult }) => (
      <span class={lastResult === undefined || lastResult === 'succeeded' ? '' : 'failed'}>
        {lastResult === undefined ? '–' : <StrangerText text={lastResult} />}
      </span>
    ),
  },
  { head: 'Succeeded', kind: 'number', label: 'Succeeded', cell: ({ counts }) => numberText(counts.succeeded) },
  { head: 'Failed', kind: 'number', label: 'Failed', cell: ({ counts }) => numberText(counts.failed) },
  { head: 'Skipped', kind: 'number', label: 'Skipped', cell: ({ counts }) => numberText(counts.skipped) },
  { head: 'Elsewhere', kind: 'number', label: 'Elsewhere', cell: ({ counts }) => numberText(counts.elsewhere) },
];
