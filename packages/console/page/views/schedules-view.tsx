import type { ScheduleJson } from '../../src/contract/contract.js';
import { numberText } from '../../src/page/count-text.js';
import { durationText, ruleText } from '../../src/page/time-text.js';
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
  { head: 'Schedule', kind: 'main', cell: ({ id }) => <StrangerText isName text={id} /> },
  { head: 'Rule', label: 'Rule', cell: ({ rule }) => <span title={rule}>{ruleText(rule)}</span> },
  { head: 'State', label: 'State', cell: ({ state }) => <span class={`tag state-${state}`}>{state}</span> },
  { head: 'Next run', kind: 'time', label: 'Next run', cell: ({ nextRun }) => <Ago at={nextRun} /> },
  {
    head: 'Last run',
    kind: 'time',
    label: 'Last run',
    cell: ({ lastRun, lastDurationMs }) => (
      <span>
        <Ago at={lastRun} or="not yet" />
        {lastDurationMs !== undefined && <span class="sub">took {durationText(lastDurationMs)}</span>}
      </span>
    ),
  },
  {
    head: 'Result',
    label: 'Result',
    cell: ({ lastResult }) => (
      <span class={lastResult === undefined || lastResult === 'succeeded' ? '' : 'failed'}>
        {lastResult === undefined ? '–' : <StrangerText text={lastResult} />}
      </span>
    ),
  },
  {
    head: 'Since the start',
    kind: 'number',
    label: 'Since the start',
    cell: ({ counts }) => (
      <span>
        {numberText(counts.succeeded)} succeeded, {numberText(counts.failed)} failed
        <span class="sub">
          {numberText(counts.skipped)} skipped, {numberText(counts.elsewhere)} ran elsewhere
        </span>
      </span>
    ),
  },
];
