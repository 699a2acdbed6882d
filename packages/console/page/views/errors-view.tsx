import { useEffect, useRef, useState } from 'preact/hooks';
import type { ErrorsJson, GroupJson, LookedQueueJson } from '../../src/contract/contract.js';
import { countText, numberText } from '../../src/page/count-text.js';
import { matches } from '../../src/page/matches.js';
import { queryOf } from '../data/api.js';
import { linkTo } from '../data/route.js';
import { useStore } from '../data/store.js';
import { mayOperate, queues, session } from '../data/stores.js';
import { type Answer, useAnswer } from '../data/use-answer.js';
import { Ago } from '../parts/ago.js';
import { FilterBox } from '../parts/filter-box.js';
import { Histogram } from '../parts/histogram.js';
import { Asking, Empty, FaultNote } from '../parts/notes.js';
import { StrangerText } from '../parts/stranger-text.js';
import { type Column, Table } from '../parts/table.js';
import { ExportLink } from './export-link.js';
import type { Scope } from './scope.js';
import { ScopeActs } from './scope-acts.js';
import { StagedNote } from './staged-note.js';

/** What failed, in groups. */
export function ErrorsView() {
  const [queue, setQueue] = useState('');
  const [filter, setFilter] = useState('');
  const answer = useErrors(queue);
  const who = useStore(session);
  const { data, fault, isAsking } = answer;
  const total = data?.groups.reduce((sum, { count }) => sum + count, 0) ?? 0;
  const shown = data?.groups.filter((group) => matches(filter, textsOf(group))) ?? [];
  const all: Scope = {
    selection: 'all',
    queues: queue === '' ? undefined : [queue],
    count: total,
    what: queue === '' ? 'all that is parked' : `all of ${queue}`,
  };
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>Errors</h1>
        <p class="summary" role="status">
          {data !== undefined && summaryOf(data, total)}
        </p>
        {mayOperate(who) && total > 0 && (
          <ScopeActs
            scope={all}
            onDone={() => answer.reload()}
            names={{ retry: 'Retry all…', discard: 'Discard all…' }}
          />
        )}
      </div>
      <div class="tools">
        <FilterBox value={filter} what="groups" onChange={setFilter} />
        <QueueChoice value={queue} onChange={setQueue} />
        <button
          type="button"
          aria-busy={isAsking}
          onClick={() => void answer.reload(queue === '' ? '?refresh=1' : '&refresh=1')}
        >
          Look again
        </button>
        {total > 0 && <ExportLink queues={queue === '' ? [] : [queue]} />}
      </div>
      <FaultNote fault={fault} retry={() => void answer.reload()} />
      {data?.queues.map((each) => (
        <QueueNotes key={each.name} queue={each} />
      ))}
      {data === undefined && fault === undefined && <Asking what="Looking into the error queues" />}
      {data !== undefined && <Groups groups={shown} all={data.groups.length} data={data} />}
    </>
  );
}

/** A little later: while messages stream, one look is enough for many of them. */
const FOLLOW_MS = 700;
/** The server shares a look for some seconds: then the next is asked for. */
const AGAIN_MS = 3000;
/** Counts and a look may differ for good, where others hold some of the messages. */
const MOST_TRIES = 4;

/** Groups of a queue or of all; asked for again when the counts of the queues change, until what was looked at is of these counts. */
export function useErrors(queue: string): Answer<ErrorsJson> {
  const answer = useAnswer<ErrorsJson>(`api/errors${queryOf({ queue })}`);
  const counts = textOf(useStore(queues)?.filter(({ name }) => queue === '' || name === queue));
  const looked = textOf(answer.data?.queues);
  const tried = useRef({ counts, times: 0 });
  useEffect(() => {
    if (counts === undefined || looked === undefined || counts === looked) return undefined;
    const times = tried.current.counts === counts ? tried.current.times : 0;
    if (times >= MOST_TRIES) return undefined;
    const again = () => {
      tried.current = { counts, times: times + 1 };
      void answer.reload();
    };
    const timer = window.setTimeout(again, times === 0 ? FOLLOW_MS : AGAIN_MS);
    return () => window.clearTimeout(timer);
  }, [counts, answer.data]);
  return answer;
}

function textOf(all: readonly { readonly name: string; readonly messages: number }[] | undefined): string | undefined {
  const texts = all?.map(({ name, messages }) => `${name} ${messages}`);
  return texts?.sort().join('\n');
}

function summaryOf({ groups, queues: looked }: ErrorsJson, total: number): string {
  const inQueues = looked.filter(({ messages }) => messages > 0).length;
  return `${countText(total, 'message')} in ${countText(inQueues, 'queue')}, ${countText(groups.length, 'group')}`;
}

function textsOf(group: GroupJson): readonly (string | undefined)[] {
  const { id, errorName, errorMessage, reason, listeners, services, failedQueues, queues: parked } = group;
  return [id, errorName, errorMessage, reason, ...listeners, ...services, ...failedQueues, ...parked];
}

function QueueChoice({ value, onChange }: { readonly value: string; onChange(queue: string): void }) {
  const known = useStore(queues) ?? [];
  if (known.length < 2) return null;
  return (
    <label class="choice">
      <span class="for-readers">Queue</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">all {known.length} error queues</option>
        {known.map(({ name, messages }) => (
          <option key={name} value={name}>
            {name} ({numberText(messages)})
          </option>
        ))}
      </select>
    </label>
  );
}

function QueueNotes({ queue }: { readonly queue: LookedQueueJson }) {
  const { name, messages, complete, otherConsumers, staged, fault } = queue;
  return (
    <>
      {fault !== undefined && <FaultNote fault={new Error(`${name}: ${fault.message}`)} />}
      {!complete && fault === undefined && (
        <div class="note warn">
          {name}: only the first of its {countText(messages, 'message')} were looked at. Retry or discard these, and
          look again.
        </div>
      )}
      {otherConsumers > 0 && (
        <div class="note warn">
          {name}: {countText(otherConsumers, 'consumer')} of others read it. What they hold is not shown.
        </div>
      )}
      {staged > 0 && <StagedNote queue={name} count={staged} />}
    </>
  );
}

function Groups({
  groups,
  all,
  data,
}: {
  readonly groups: readonly GroupJson[];
  readonly all: number;
  readonly data: ErrorsJson;
}) {
  if (groups.length > 0)
    return <Table caption="Groups of errors" columns={COLUMNS} rows={groups} keyOf={({ id }) => id} />;
  if (all > 0) return <Empty title="No group matches the filter">Clear it to see all {all}.</Empty>;
  if (data.queues.length === 0) {
    return (
      <Empty title="No error queue was found">
        An error queue takes dead letters of others, or is named like one (…dlq, error…, parked…). Others are named when
        the console is started: <code>leveret console -q NAME</code>.
      </Empty>
    );
  }
  return (
    <Empty title="Nothing has failed">
      {countText(data.queues.length, 'error queue')} {data.queues.length === 1 ? 'is' : 'are'} empty:{' '}
      {data.queues.map(({ name }) => name).join(', ')}.
    </Empty>
  );
}

const COLUMNS: readonly Column<GroupJson>[] = [
  {
    head: 'Failed',
    kind: 'number',
    label: 'Failed',
    cell: ({ count }) => <strong>{numberText(count)}</strong>,
  },
  {
    head: 'Error',
    kind: 'main',
    cell: ({ id, errorName, errorMessage, reason }) => (
      <>
        <a class="row-link" href={linkTo('errors', id)}>
          <StrangerText text={errorName ?? reason ?? 'unknown'} />
        </a>
        <span class="sub">
          <StrangerText text={errorMessage ?? ''} />
        </span>
      </>
    ),
  },
  {
    head: 'Listener',
    label: 'Listener',
    cell: ({ listeners, services, failedQueues }) => (
      <>
        <StrangerText isName text={listeners.join(', ') || failedQueues.join(', ') || '–'} />
        <span class="sub">
          <StrangerText text={services.join(', ')} />
        </span>
      </>
    ),
  },
  {
    head: 'Parked in',
    label: 'Parked in',
    cell: ({ queues: parked }) => <StrangerText isName text={parked.join(', ')} />,
  },
  {
    head: 'Over time',
    kind: 'picture',
    cell: ({ histogram }) => <Histogram histogram={histogram} size="small" />,
  },
  {
    head: 'Last failure',
    kind: 'time',
    label: 'Last failure',
    cell: ({ firstSeen, lastSeen }) => (
      <>
        <Ago at={lastSeen} />
        <span class="sub">
          first <Ago at={firstSeen} />
        </span>
      </>
    ),
  },
];
