import 'reflect-metadata';
import { openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Outbox, postgresDatabase } from '@leveret/sql';
import { Leveret } from 'leveret';
import pg from 'pg';
import { mix } from '../run/random.js';
import { KEYS_PER_PUBLISHER, makeOrder } from '../workload/order.js';
import { NAMES } from '../workload/row.js';
import { LedgerProcess, readProcessOptions } from './ledger-process.js';

const AGAIN_MS = 50;

const self = new LedgerProcess(readProcessOptions());
const { row, seed, slot, publishers, rate } = self.options;

/**
 * What a publisher has committed of its own: for each key, how many messages are done with. A process that is killed between
 * the confirm and this publishes the message again, with the same id.
 */
class Progress {
  readonly #file: number;
  readonly done: Float64Array;

  constructor(path: string) {
    this.done = new Float64Array(KEYS_PER_PUBLISHER);
    this.#file = openSync(path, 'a+');
    const before = readFileSync(path);
    for (let at = 0; at + 16 <= before.length; at += 16)
      this.done[before.readDoubleLE(at)] = before.readDoubleLE(at + 8);
  }

  commit(lane: number): void {
    const done = (this.done[lane] ?? 0) + 1;
    this.done[lane] = done;
    const record = Buffer.alloc(16);
    record.writeDoubleLE(lane, 0);
    record.writeDoubleLE(done, 8);
    writeSync(this.#file, record);
  }
}

const progress = new Progress(join(self.options.folder, `publisher-${slot}.progress`));
const app = await Leveret.start({
  connection: {
    urls: [...self.options.urls],
    name: self.options.name,
    heartbeat: self.options.heartbeatSeconds * 1000,
    startTimeout: '6m',
  },
  service: 'ledger',
  topology: { exchanges: [{ name: NAMES.exchange }] },
  logger: 'error',
});
const pool = row.outbox
  ? new pg.Pool({ connectionString: self.options.databaseUrl, max: KEYS_PER_PUBLISHER })
  : undefined;
pool?.on('error', () => undefined);
const database = pool && postgresDatabase(pool, { service: 'ledger' });
const outbox = database && new Outbox(database);

let isPaused = false;
let isEnding = false;
let budget = 0;
let toppedUpAt = performance.now();

/** Waits for leave to begin one more message. */
async function leave(): Promise<void> {
  for (;;) {
    const now = performance.now();
    budget = Math.min(budget + ((now - toppedUpAt) / 1000) * rate, Math.max(rate / 20, 1));
    toppedUpAt = now;
    if (!isPaused && budget >= 1) {
      budget--;
      return;
    }
    if (isEnding) return;
    await delay(5);
  }
}

/** One key: a message is published when the one before is confirmed. */
async function publishLane(lane: number): Promise<void> {
  while (!isEnding) {
    await leave();
    if (isEnding) return;
    const counter = (progress.done[lane] ?? 0) * KEYS_PER_PUBLISHER + lane;
    const order = makeOrder(seed, slot, publishers, counter);
    self.ledger.write('attempt', order.n);
    self.counts.attempted++;
    for (;;) {
      try {
        await (outbox === undefined ? publishOnce(order) : commitOnce(order));
        break;
      } catch (error) {
        const { fate = 'unknown', code = 'none' } = error as { fate?: string; code?: string };
        self.ledger.write('again', order.n, fate, code);
        await delay(AGAIN_MS);
      }
    }
    self.ledger.write(isRolledBack(order.n) ? 'rolled-back' : 'confirm', order.n);
    self.counts.confirmed++;
    progress.commit(lane);
  }
}

async function publishOnce(order: ReturnType<typeof makeOrder>): Promise<void> {
  await app.publisher.publish(NAMES.exchange, NAMES.routingKey, order, {
    messageId: `m${order.n}`,
    headers: { 'x-ledger': String(order.n) },
  });
}

/** One in twenty transactions is rolled back, and its message is never heard of again. */
function isRolledBack(n: number): boolean {
  return outbox !== undefined && mix(n, seed + 1) % 20 === 0;
}

async function commitOnce(order: ReturnType<typeof makeOrder>): Promise<void> {
  const rollBack = isRolledBack(order.n) ? new Error('rolled back on purpose') : undefined;
  await database
    ?.transaction(async (tx) => {
      const { rowCount } = await tx.query('INSERT INTO business (n) VALUES ($1) ON CONFLICT DO NOTHING', [order.n]);
      // Committed before, and its answer was lost.
      if (rowCount === 0) return;
      await outbox?.publish(tx, NAMES.exchange, NAMES.routingKey, order, {
        messageId: `m${order.n}`,
        headers: { 'x-ledger': String(order.n) },
      });
      if (rollBack !== undefined) throw rollBack;
    })
    .catch((error: unknown) => {
      if (error !== rollBack) throw error;
    });
}

self.onOrder(({ type }) => {
  if (type === 'pause') isPaused = true;
  if (type === 'resume') isPaused = false;
  if (type === 'finish') isEnding = true;
  if (type === 'wrong-exchange') {
    self.ledger.write('wrong-exchange');
    app.publisher.publish('ledger.nowhere', 'order', {}).catch(() => undefined);
  }
});
self.tell({ type: 'ready' });
// The channel to the conductor is not to end it, and its lanes are what keeps it alive.
await Promise.all(Array.from({ length: KEYS_PER_PUBLISHER }, (_, lane) => publishLane(lane)));
self.tell({ type: 'finished' });
await app.close();
await pool?.end();
