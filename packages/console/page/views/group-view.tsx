import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { GroupJson, MessagePageJson, MessageSummaryJson } from '../../src/contract/contract.js';
import { countText, numberText } from '../../src/page/count-text.js';
import { matches } from '../../src/page/matches.js';
import { ask, queryOf } from '../data/api.js';
import { linkTo } from '../data/route.js';
import { useStore } from '../data/store.js';
import { mayOperate, session } from '../data/stores.js';
import { useAnswer } from '../data/use-answer.js';
import { ActButton } from '../parts/act-button.js';
import { Ago } from '../parts/ago.js';
import { Facts } from '../parts/facts.js';
import { FilterBox } from '../parts/filter-box.js';
import { Histogram } from '../parts/histogram.js';
import { Asking, Empty, FaultNote } from '../parts/notes.js';
import { StrangerText } from '../parts/stranger-text.js';
import { type Column, Table } from '../parts/table.js';
import { useErrors } from './errors-view.js';
import { ExportLink } from './export-link.js';
import type { Scope } from './scope.js';
import { ScopeActs } from './scope-acts.js';

const PAGE = 50;

/** Messages that failed in the same way. */
export function GroupView({ id }: { readonly id: string }) {
  const errors = useErrors('');
  const group = errors.data?.groups.find((each) => each.id === id);
  const mayAct = mayOperate(useStore(session));
  return (
    <>
      <nav class="way" aria-label="Way here">
        <a href={linkTo('errors')}>Errors</a>
      </nav>
      <div class="head">
        <h1 tabIndex={-1}>
          <StrangerText text={group?.errorName ?? group?.reason ?? `Group ${id}`} />
        </h1>
        {group !== undefined && <p class="summary">{countText(group.count, 'message')}</p>}
        {mayAct && group !== undefined && (
          <ScopeActs
            scope={scopeOf(group)}
            onDone={() => void errors.reload()}
            names={{ retry: `Retry ${numberText(group.count)}…`, discard: `Discard ${numberText(group.count)}…` }}
          />
        )}
      </div>
      <FaultNote fault={errors.fault} retry={() => void errors.reload()} />
      {errors.data === undefined && errors.fault === undefined && <Asking what="Looking into the error queues" />}
      {errors.data !== undefined && group === undefined && (
        <Empty title="No message of this group is parked any more">
          They were retried or discarded. <a href={linkTo('errors')}>All errors</a>
        </Empty>
      )}
      {group !== undefined && (
        <>
          <GroupHead group={group} />
          <Messages key={id} group={group} mayAct={mayAct} onDone={() => void errors.reload()} />
        </>
      )}
    </>
  );
}

function scopeOf({ id, count, queues, errorName }: GroupJson): Scope {
  return { selection: [id], queues, count, what: `this group of ${errorName ?? 'failures'}` };
}

function GroupHead({ group }: { readonly group: GroupJson }) {
  return (
    <>
      {group.errorMessage !== undefined && (
        <p class="message">
          <StrangerText text={group.errorMessage} />
        </p>
      )}
      <div class="overview">
        <Facts
          facts={[
            ['Listener', nameOf(group.listeners)],
            ['Service', group.services.join(', ')],
            ['Failed in', nameOf(group.failedQueues)],
            ['Parked in', nameOf(group.queues)],
            ['Reason', group.reason],
            ['First', <Ago key="first" at={group.firstSeen} />],
            ['Last', <Ago key="last" at={group.lastSeen} />],
            ['Fingerprint', <code key="id">{group.id}</code>],
          ]}
        />
        <Histogram histogram={group.histogram} size="large" />
      </div>
    </>
  );
}

function nameOf(names: readonly string[]): ComponentChildren {
  return names.length === 0 ? undefined : <StrangerText isName text={names.join(', ')} />;
}

interface MessagesProps {
  readonly group: GroupJson;
  readonly mayAct: boolean;
  onDone(): void;
}

function Messages({ group, mayAct, onDone }: MessagesProps) {
  const path = `api/errors/groups/${encodeURIComponent(group.id)}/messages`;
  const first = useAnswer<MessagePageJson>(`${path}${queryOf({ limit: PAGE })}`, group.count);
  const [further, setFurther] = useState<{
    readonly of: MessagePageJson;
    readonly pages: readonly MessagePageJson[];
  }>();
  const [filter, setFilter] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [fault, setFault] = useState<Error>();
  const pages = first.data === undefined ? [] : [first.data, ...(further?.of === first.data ? further.pages : [])];
  const messages = pages.flatMap((page) => page.messages);
  const shown = messages.filter(({ key, messageId, queue, preview }) =>
    matches(filter, [key, messageId, queue, preview]),
  );
  const next = pages.at(-1)?.next;
  const more = async () => {
    if (first.data === undefined || next === undefined) return;
    const page = await ask<MessagePageJson>(`${path}${queryOf({ limit: PAGE, after: next })}`);
    setFurther({ of: first.data, pages: [...pages.slice(1), page] });
  };
  const turn = (id: string) =>
    setChosen(new Set(chosen.has(id) ? [...chosen].filter((each) => each !== id) : [...chosen, id]));
  const picked = messages.filter((message) => chosen.has(idOf(message)));
  const scope: Scope = {
    selection: picked.map(({ key }) => key),
    queues: [...new Set(picked.map(({ queue }) => queue))],
    count: picked.length,
    what: picked.length === 1 ? 'one message' : `${picked.length} chosen messages`,
  };
  const done = () => {
    setChosen(new Set());
    onDone();
  };
  const columns = mayAct ? [checkColumn(chosen, shown, turn, setChosen), ...COLUMNS] : COLUMNS;
  return (
    <section aria-label="Messages">
      <div class="tools">
        <FilterBox value={filter} what="messages" onChange={setFilter} />
        <ExportLink queues={group.queues} id={group.id} />
        {picked.length > 0 && (
          <span class="chosen">
            {numberText(picked.length)} chosen
            <ScopeActs scope={scope} onDone={done} names={{ retry: 'Retry chosen…', discard: 'Discard chosen…' }} />
          </span>
        )}
      </div>
      <FaultNote fault={first.fault ?? fault} retry={() => void first.reload()} />
      {first.data === undefined && first.fault === undefined && <Asking what="Asking for the messages" />}
      {shown.length > 0 && <Table caption="Messages of the group" columns={columns} rows={shown} keyOf={idOf} />}
      {messages.length > 0 && shown.length === 0 && (
        <Empty title="None of those loaded matches the filter">Clear it, or load more.</Empty>
      )}
      {next !== undefined && (
        <p class="more">
          <ActButton onAct={more} onFault={setFault}>
            Load {PAGE} more
          </ActButton>
          <span class="dim">
            {numberText(messages.length)} of {numberText(pages[0]?.total ?? 0)} loaded
          </span>
        </p>
      )}
    </section>
  );
}

function idOf({ queue, key }: MessageSummaryJson): string {
  return `${queue}\n${key}`;
}

function checkColumn(
  chosen: ReadonlySet<string>,
  shown: readonly MessageSummaryJson[],
  turn: (id: string) => void,
  choose: (ids: ReadonlySet<string>) => void,
): Column<MessageSummaryJson> {
  const isAll = shown.length > 0 && shown.every((message) => chosen.has(idOf(message)));
  return {
    head: (
      <input
        type="checkbox"
        aria-label="All that are shown"
        checked={isAll}
        onChange={() => choose(new Set(isAll ? [] : shown.map(idOf)))}
      />
    ),
    kind: 'check',
    cell: (message) => (
      <input
        type="checkbox"
        aria-label={`Message ${message.messageId ?? message.key}`}
        checked={chosen.has(idOf(message))}
        onChange={() => turn(idOf(message))}
      />
    ),
  };
}

const COLUMNS: readonly Column<MessageSummaryJson>[] = [
  {
    head: 'Message',
    kind: 'main',
    cell: ({ key, queue, group, messageId }) => (
      <a class="row-link" href={linkTo('errors', group, queue, key)}>
        <StrangerText text={messageId ?? key} />
      </a>
    ),
  },
  {
    head: 'Body',
    kind: 'wide',
    cell: ({ preview }) => (
      <code class="preview">
        <StrangerText text={preview} />
      </code>
    ),
  },
  { head: 'Parked in', label: 'Parked in', cell: ({ queue }) => <StrangerText isName text={queue} /> },
  {
    head: 'Attempts',
    kind: 'number',
    label: 'Attempts',
    cell: ({ attempts }) => (attempts === undefined ? '–' : numberText(attempts)),
  },
  { head: 'Failed', label: 'Failed', cell: ({ failedAt }) => <Ago at={failedAt} /> },
];
