/** What the programs of all peers share: the ledger, the workload, the table of effects. How messages are had is each one's own. */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { monotonicMicros } from '../dist/ledger/ledger-line.js';
import { EffectWriter } from '../dist/processes/effect-writer.js';
import { LedgerProcess, readProcessOptions } from '../dist/processes/ledger-process.js';
import { failsAt, isWhole, KEYS_PER_PUBLISHER, makeOrder, numberIn, slowMs } from '../dist/workload/order.js';
import { NAMES } from '../dist/workload/row.js';

export { NAMES };
export const self = new LedgerProcess(readProcessOptions());
export const { prefetch, concurrency, urls, heartbeatSeconds, handlerMs, heeds } = self.options;
export const MAX_ATTEMPTS = 3;
const AGAIN_MS = 50;

/** The queue of the workload: quorum, durable, what is rejected goes to a dead letter queue at least once. */
export const QUEUE_ARGUMENTS = {
  'x-queue-type': 'quorum',
  'x-delivery-limit': 50,
  'x-dead-letter-exchange': NAMES.deadExchange,
  'x-dead-letter-routing-key': NAMES.queue,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
};

/** Declares everything on a channel of amqplib. */
export async function declare(channel) {
  await channel.assertExchange(NAMES.exchange, 'direct', { durable: true });
  await channel.assertExchange(NAMES.deadExchange, 'direct', { durable: true });
  await channel.assertExchange(NAMES.parkedExchange, 'direct', { durable: true });
  await channel.assertQueue(NAMES.parkedQueue, { durable: true });
  await channel.bindQueue(NAMES.parkedQueue, NAMES.parkedExchange, 'error');
  await channel.assertQueue(NAMES.deadQueue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await channel.bindQueue(NAMES.deadQueue, NAMES.deadExchange, NAMES.queue);
  await channel.assertQueue(NAMES.queue, { durable: true, arguments: QUEUE_ARGUMENTS });
  await channel.bindQueue(NAMES.queue, NAMES.exchange, NAMES.routingKey);
}

/** The service: the same for everybody. */
export function service() {
  const pool = new pg.Pool({ connectionString: self.options.databaseUrl, max: concurrency + 4 });
  pool.on('error', () => undefined);
  const effects = new EffectWriter(pool);
  /** One attempt: rejects when it fails, and when the signal fires, for those that give it one. */
  const handle = async (order, { messageId, headers, redelivered, attempt, signal }) => {
    const { n } = order;
    const began = monotonicMicros();
    self.ledger.write('start', n, attempt, redelivered ? 1 : 0, 0);
    try {
      if (!isWhole(order) || numberIn(messageId) !== n || headers?.['x-ledger'] !== String(n)) {
        self.ledger.write('corrupt', n);
      }
      const workMs = handlerMs + (order.fate === 'slow' ? slowMs(n) : 0);
      if (workMs > 0) await delay(workMs, undefined, { signal });
      if (failsAt(order.fate, attempt)) throw new Error(`order ${n} fails at attempt ${attempt}`);
      await effects.write({ n, key: order.key, seq: order.seq, process: self.options.name });
      self.ledger.write('effect', n);
      self.counts.handled++;
      self.counts.lastStart = began;
    } catch (error) {
      self.ledger.write('fail', n, attempt, 0, 'thrown');
      throw error;
    }
  };
  /** Three attempts here, with pauses of 20 and 40 ms: for those who leave retry to the handler. */
  const handleWithRetry = async (order, message) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await handle(order, { ...message, attempt });
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || message.signal?.aborted) throw error;
        await delay(20 * attempt);
      }
    }
  };
  return { handle, handleWithRetry, close: () => pool.end() };
}

/** At SIGTERM: closes in the order of the functions given, and ends. */
export function closing(...steps) {
  process.once('SIGTERM', async () => {
    self.ledger.write('sigterm');
    for (const step of steps) await step();
    process.exit(0);
  });
}

/** The publisher's own part: keys in order, the same message again until its publish resolves. */
export async function publishAll(publish, close) {
  const { seed, slot, publishers, rate, folder } = self.options;
  const path = join(folder, `publisher-${slot}.progress`);
  const file = openSync(path, 'a+');
  const done = new Float64Array(KEYS_PER_PUBLISHER);
  const before = readFileSync(path);
  for (let at = 0; at + 16 <= before.length; at += 16) done[before.readDoubleLE(at)] = before.readDoubleLE(at + 8);
  let isPaused = false;
  let isEnding = false;
  let budget = 0;
  let toppedUpAt = performance.now();
  const leave = async () => {
    while (!isEnding) {
      const now = performance.now();
      budget = Math.min(budget + ((now - toppedUpAt) / 1000) * rate, Math.max(rate / 20, 1));
      toppedUpAt = now;
      if (!isPaused && budget >= 1) {
        budget--;
        return;
      }
      await delay(5);
    }
  };
  const lane = async (key) => {
    for (await leave(); !isEnding; await leave()) {
      const order = makeOrder(seed, slot, publishers, done[key] * KEYS_PER_PUBLISHER + key);
      self.ledger.write('attempt', order.n);
      self.counts.attempted++;
      for (;;) {
        try {
          await publish(order, { messageId: `m${order.n}`, headers: { 'x-ledger': String(order.n) } });
          break;
        } catch {
          self.ledger.write('again', order.n, 'unknown', 'none');
          await delay(AGAIN_MS);
        }
      }
      self.ledger.write('confirm', order.n);
      self.counts.confirmed++;
      const record = Buffer.alloc(16);
      record.writeDoubleLE(key, 0);
      record.writeDoubleLE(++done[key], 8);
      writeSync(file, record);
    }
  };
  self.onOrder(({ type }) => {
    if (type === 'pause') isPaused = true;
    if (type === 'resume') isPaused = false;
    if (type === 'finish') isEnding = true;
  });
  self.tell({ type: 'ready' });
  const alive = setInterval(() => undefined, 1000);
  await Promise.all(Array.from({ length: KEYS_PER_PUBLISHER }, (_, key) => lane(key)));
  clearInterval(alive);
  self.tell({ type: 'finished' });
  await close();
  process.exit(0);
}
