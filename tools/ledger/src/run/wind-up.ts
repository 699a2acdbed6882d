import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumeMessage, GetMessage } from 'amqplib';
import pg from 'pg';
import { BufferedLedgerFile } from '../ledger/ledger-file.js';
import { isWhole, numberIn, type Order } from '../workload/order.js';
import { NAMES, REDELIVER_MS } from '../workload/row.js';
import { type World, withLimit } from './world.js';

const FINISH_LIMIT_MS = 90_000;
const DRAIN_LIMIT_MS = 120_000;
/** Of a run with less patience. */
const DRAIN_PATIENCES = 2;
const STILL_MS = 1500;
const END_LIMIT_MS = 30_000;
const TAKE_LIMIT_MS = 60_000;
const PAGE = 20_000;

/** Publishers stop, the queues run empty, processes end, and what is in tables and error queues is written into ledgers. */
export async function windUp(world: World): Promise<void> {
  world.windingUp();
  await finishPublishers(world);
  await drain(world);
  await Promise.all(
    [...world.consumers, ...world.relays].map(async (child) => {
      if (!child.isAlive) return;
      const exit = await child.stop(END_LIMIT_MS);
      if (exit === undefined)
        world.ledger.write('not-ended', `${child.options.name} did not end within ${END_LIMIT_MS} ms of SIGTERM`);
    }),
  );
  world.proxy.mayEnd = true;
  world.proxy.tell({ type: 'finish' });
  await withLimit(world.proxy.exited, 10_000);
  await writeEnds(world);
  await writeEffects(world);
}

async function finishPublishers(world: World): Promise<void> {
  const alive = world.publishers.filter(({ isAlive }) => isAlive);
  for (const publisher of alive) publisher.tell({ type: 'finish' });
  await Promise.all(
    alive.map(async (publisher) => {
      const exit = await Promise.race([publisher.exited, delay(FINISH_LIMIT_MS, undefined, { ref: false })]);
      if (exit !== undefined) return;
      world.ledger.write(
        'not-ended',
        `${publisher.options.name} had not all its confirms within ${FINISH_LIMIT_MS} ms`,
      );
      publisher.signal('SIGKILL');
      await publisher.exited;
    }),
  );
}

/**
 * Waits until nothing is ready on any queue but those for what is parked, and nothing moves. What consumers hold then, they
 * finish when they are stopped.
 */
async function drain(world: World): Promise<void> {
  const { patienceMs, row } = world.options;
  const limitMs = patienceMs === undefined ? DRAIN_LIMIT_MS : patienceMs * DRAIN_PATIENCES;
  const stillMs = row.failure === 'redeliver' ? STILL_MS + Math.max(...REDELIVER_MS) : STILL_MS;
  const end = performance.now() + limitMs;
  let handled = world.counts.handled;
  let stillSince = performance.now();
  for (;;) {
    const waiting = await waitingMessages(world);
    if (waiting > 0 || world.counts.handled !== handled) stillSince = performance.now();
    handled = world.counts.handled;
    if (waiting === 0 && performance.now() - stillSince >= stillMs) return;
    if (performance.now() > end) {
      world.ledger.write('not-drained', `${waiting} messages were still on their queues after ${limitMs} ms`);
      return;
    }
    await delay(200);
  }
}

async function waitingMessages(world: World): Promise<number> {
  const { row } = world.options;
  let waiting = (await world.depth(NAMES.queue)) ?? 1;
  if (row.outbox) {
    const { rows } = await world.sql('SELECT count(*)::int AS waiting FROM leveret_outbox');
    waiting += rows[0].waiting;
  }
  if (row.failure !== 'redeliver') return waiting;
  for (const ms of REDELIVER_MS) waiting += (await world.depth(`leveret.ledger.wait.${ms}`)) ?? 0;
  return waiting;
}

/** Reads the error queues, and what is left on the queue of the workload. */
async function writeEnds(world: World): Promise<void> {
  const ends = new BufferedLedgerFile(join(world.folder, 'ends.log'));
  for (const [event, queue] of [
    ['parked', NAMES.parkedQueue],
    ['dead', NAMES.deadQueue],
    ['left', NAMES.queue],
  ] as const) {
    if ((await world.depth(queue)) === undefined) continue;
    await takeAll(world, queue, (message) => {
      const n = numberIn(message.properties.messageId);
      if (n === undefined) return;
      ends.write(event, `${n}`);
      if (event !== 'parked') return;
      const why = whatIsSpoilt(message, n);
      if (why !== undefined) ends.write('spoilt', `${n} ${why}`);
      const headers = message.properties.headers ?? {};
      if (world.options.programs === undefined && headers['x-leveret-reason'] === undefined)
        ends.write('headerless', `${n}`);
    });
  }
  if (world.options.row.outbox) {
    const { rows } = await world.sql('SELECT count(*)::int AS waiting FROM leveret_outbox');
    ends.write('outbox', `${rows[0].waiting}`);
  }
  ends.flush();
}

function whatIsSpoilt(message: GetMessage, n: number): string | undefined {
  try {
    const order: Order = JSON.parse(message.content.toString());
    if (order.n !== n || !isWhole(order)) return 'its body';
  } catch {
    return 'its body';
  }
  return message.properties.headers?.['x-ledger'] === String(n) ? undefined : 'its headers';
}

/** Takes what is ready on a queue that nobody else takes from. */
async function takeAll(world: World, queue: string, take: (message: GetMessage) => void): Promise<void> {
  await world.admin(async (channel) => {
    const { messageCount } = await channel.checkQueue(queue);
    if (messageCount === 0) return;
    let taken = 0;
    const all = new Promise<void>((resolve) => {
      const onMessage = (message: ConsumeMessage | null) => {
        if (message === null) return;
        take(message as unknown as GetMessage);
        if (++taken === messageCount) resolve();
      };
      void channel.consume(queue, onMessage, { noAck: true, consumerTag: `ledger ${queue}` });
    });
    await withLimit(all, TAKE_LIMIT_MS);
    await channel.cancel(`ledger ${queue}`);
  });
}

/** The table of effects, with the moment at which each was committed, by pages. */
async function writeEffects(world: World): Promise<void> {
  const effects = new BufferedLedgerFile(join(world.folder, 'effects.log'));
  const client = new pg.Client({ connectionString: world.postgres.url });
  await client.connect();
  try {
    for (let after = 0; ; ) {
      const { rows } = await client.query(
        `SELECT serial, n, key, seq, process, floor(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000) AS committed
         FROM effects WHERE serial > $1 ORDER BY serial LIMIT ${PAGE}`,
        [after],
      );
      for (const row of rows)
        effects.write('row', `${row.n} ${row.key} ${row.seq} ${row.committed ?? 0} ${row.process}`);
      effects.flush();
      if (rows.length < PAGE) return;
      after = rows.at(-1).serial;
    }
  } finally {
    await client.end();
  }
}
