import type { JobJson } from '../../src/contract/contract.js';
import { durationText } from '../../src/page/time-text.js';
import { useStore } from '../data/store.js';
import { jobs } from '../data/stores.js';
import { Ago } from '../parts/ago.js';
import { Empty } from '../parts/notes.js';
import { Table } from '../parts/table.js';
import { JobBody } from './job-strip.js';

/** Every retry since the console has started. */
export function JobsView() {
  const known = useStore(jobs);
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>Retries</h1>
        <p class="summary">since the console has started</p>
      </div>
      {known.length === 0 ? (
        <Empty title="Nothing was sent back yet">Choose a group among the errors, and retry it.</Empty>
      ) : (
        <Table
          caption="Retries, the newest first"
          rows={known}
          keyOf={({ id }) => id}
          columns={[
            { head: 'How it went', kind: 'main', cell: (job: JobJson) => <JobBody job={job} /> },
            { head: 'What', label: 'What', cell: ({ request }) => whatOf(request) },
            { head: 'Who', label: 'Who', cell: ({ who }) => who },
            { head: 'Started', label: 'Started', cell: ({ startedAt }) => <Ago at={startedAt} /> },
            {
              head: 'Took',
              label: 'Took',
              cell: ({ startedAt, endedAt }) => (endedAt === undefined ? 'runs' : durationText(endedAt - startedAt)),
            },
          ]}
        />
      )}
    </>
  );
}

function whatOf(request: JobJson['request']): string {
  const selection = 'selection' in request ? request.selection : 'what was on its way';
  const ids =
    typeof selection === 'string'
      ? selection
      : selection.slice(0, 3).join(', ') + (selection.length > 3 ? ` and ${selection.length - 3} more` : '');
  return request.queues === undefined ? ids : `${ids} in ${request.queues.join(', ')}`;
}
