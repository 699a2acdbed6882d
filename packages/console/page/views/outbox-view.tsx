import { useEffect, useState } from 'preact/hooks';
import type { OutboxCountsJson, OutboxJson, OutboxRowJson } from '../../src/contract/contract.js';
import { countText, numberText } from '../../src/page/count-text.js';
import { durationText } from '../../src/page/time-text.js';
import { act, ask } from '../data/api.js';
import { useStore } from '../data/store.js';
import { mayOperate, notice, outboxCounts, session } from '../data/stores.js';
import { useAnswer } from '../data/use-answer.js';
import { ActButton } from '../parts/act-button.js';
import { Ago } from '../parts/ago.js';
import { Dialog } from '../parts/dialog.js';
import { Asking, Empty, FaultNote } from '../parts/notes.js';
import { StrangerText } from '../parts/stranger-text.js';
import { type Column, Table } from '../parts/table.js';
import { targetText } from './target-text.js';

/** The outbox: what waits to be sent, and what could not be. */
export function OutboxView() {
  const answer = useAnswer<OutboxJson>('api/outbox');
  const told = useStore(outboxCounts);
  const who = useStore(session);
  const [further, setFurther] = useState<readonly OutboxJson[]>([]);
  const [isAskingAll, setAskingAll] = useState(false);
  const [fault, setFault] = useState<Error>();
  const parked = told?.parked;
  useEffect(() => {
    if (answer.data === undefined || parked === undefined || parked === answer.data.parked) return;
    setFurther([]);
    void answer.reload();
  }, [parked]);
  const counts = told ?? answer.data;
  const pages = answer.data === undefined ? [] : [answer.data, ...further];
  const rows = pages.flatMap((page) => page.rows);
  const next = pages.at(-1)?.next;
  const requeue = async (ids: 'all' | readonly number[]) => {
    const { requeued } = await act<{ readonly requeued: number }>('api/outbox/requeue', { ids });
    notice.set(
      `${countText(requeued, 'message')} of the outbox ${requeued === 1 ? 'waits' : 'wait'} to be sent again.`,
    );
    setAskingAll(false);
    setFurther([]);
    await answer.reload();
  };
  const acts: Column<OutboxRowJson> = {
    head: <span class="for-readers">Act</span>,
    kind: 'actions',
    cell: ({ id }) => (
      <ActButton label={`Requeue ${id}`} onAct={() => requeue([id])} onFault={setFault}>
        Requeue
      </ActButton>
    ),
  };
  const more = async () => setFurther([...further, await ask<OutboxJson>(`api/outbox?after=${next ?? 0}`)]);
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>Outbox</h1>
        {mayOperate(who) && rows.length > 0 && (
          <div class="acts">
            <button type="button" class="main" onClick={() => setAskingAll(true)}>
              Requeue all…
            </button>
          </div>
        )}
      </div>
      <FaultNote fault={fault ?? answer.fault} retry={() => void answer.reload()} />
      {counts === undefined && answer.fault === undefined && <Asking what="Asking the outbox" />}
      {counts !== undefined && <Counts counts={counts} />}
      {answer.data !== undefined && rows.length === 0 && (
        <Empty title="Nothing is parked in the outbox">
          What the broker refuses too often stands here, with the reason, until somebody requeues it.
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          caption="Parked messages of the outbox"
          columns={mayOperate(who) ? [...COLUMNS, acts] : COLUMNS}
          rows={rows}
          keyOf={({ id }) => String(id)}
        />
      )}
      {next !== undefined && (
        <p class="more">
          <ActButton onAct={more} onFault={setFault}>
            Load more
          </ActButton>
        </p>
      )}
      {isAskingAll && (
        <Dialog
          title={`Requeue ${countText(counts?.parked ?? rows.length, 'message')}?`}
          onClose={() => setAskingAll(false)}
        >
          <p>They are sent again by the relay, in their order. What is refused again is parked again.</p>
          <FaultNote fault={fault} />
          <footer>
            <ActButton kind="main" onAct={() => requeue('all')} onFault={setFault}>
              Requeue {countText(counts?.parked ?? rows.length, 'message')}
            </ActButton>
          </footer>
        </Dialog>
      )}
    </>
  );
}

function Counts({ counts }: { readonly counts: OutboxCountsJson }) {
  const { waiting, scheduled, parked, heldUp, oldestMs } = counts;
  const figures: readonly (readonly [string, string, string])[] = [
    ['Waiting', numberText(waiting), 'to be sent'],
    ['Oldest', waiting === 0 ? '–' : durationText(oldestMs), 'has waited so long'],
    ['Scheduled', numberText(scheduled), 'not due yet'],
    ['Parked', numberText(parked), 'refused too often'],
    ['Held up', numberText(heldUp), 'behind a parked one of their order key'],
  ];
  return (
    <dl class="figures">
      {figures.map(([name, value, hint]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <strong>{value}</strong>
            <span class="sub">{hint}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

const COLUMNS: readonly Column<OutboxRowJson>[] = [
  {
    head: 'Message',
    kind: 'main',
    cell: ({ id, messageId, error }) => (
      <>
        <StrangerText text={messageId ?? String(id)} />
        <span class="sub failed">
          <StrangerText text={error} />
        </span>
      </>
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
  { head: 'To', label: 'To', cell: (row) => targetText(row) },
  {
    head: 'Order key',
    label: 'Order key',
    cell: ({ orderKey }) => (orderKey === undefined ? '–' : <StrangerText text={orderKey} />),
  },
  { head: 'Written', label: 'Written', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  { head: 'Parked', label: 'Parked', cell: ({ parkedAt }) => <Ago at={parkedAt} /> },
];
