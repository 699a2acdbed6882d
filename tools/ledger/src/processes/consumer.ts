import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisIdempotencyStore } from '@leveret/redis';
import { postgresDatabase, TransactionalInbox } from '@leveret/sql';
import {
  Context,
  type DeliveryContext,
  Idempotent,
  Leveret,
  Listener,
  type ListenerOptions,
  Message,
  Payload,
  type Message as ReceivedMessage,
  republish,
} from 'leveret';
import pg from 'pg';
import { monotonicMicros } from '../ledger/ledger-line.js';
import { failsAt, isWhole, numberIn, slowMs } from '../workload/order.js';
import { keepsOrder, MAX_ATTEMPTS, NAMES, REDELIVER_MS, type Row } from '../workload/row.js';
import { LedgerOrder } from './ledger-order.js';
import { LedgerProcess, readProcessOptions } from './ledger-process.js';

/** Handlers of the row `timeout` have so long, and one in so many takes longer. */
const TIMEOUT_MS = 400;
const STRIKES_ONE_IN = 97;

const self = new LedgerProcess(readProcessOptions());
const { row } = self.options;
const service = 'ledger';

const pool = new pg.Pool({ connectionString: self.options.databaseUrl, max: self.options.concurrency + 4 });
pool.on('error', () => undefined);
const database = postgresDatabase(pool, { service });
const store =
  row.guard === 'redis' ? await RedisIdempotencyStore.connect(self.options.redisUrl ?? '', { service }) : undefined;

interface Writes {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

/** What the service does with a message: it writes one row, in the transaction of the inbox where there is one. */
async function handle(
  order: LedgerOrder,
  message: ReceivedMessage,
  context: DeliveryContext,
  writes: Writes,
): Promise<void> {
  const { n } = order;
  self.counts.lastStart = monotonicMicros();
  self.ledger.write('start', n, context.attempt, message.redelivered ? 1 : 0, context.redeliveries);
  try {
    if (!isWhole(order) || numberIn(message.messageId) !== n || message.headers['x-ledger'] !== String(n)) {
      self.ledger.write('corrupt', n);
    }
    if (order.fate === 'slow') await delay(slowMs(n), undefined, { signal: context.signal });
    if (failsAt(order.fate, context.attempt)) throw new Error(`order ${n} fails at attempt ${context.attempt}`);
    if (row.timeout && n % STRIKES_ONE_IN === 0 && context.attempt < 3) await writeTooLong(n, writes, context);
    await writes.query('INSERT INTO effects (n, key, seq, process) VALUES ($1, $2, $3, $4)', [
      n,
      order.key,
      order.seq,
      self.options.name,
    ]);
    self.ledger.write('effect', n);
    self.counts.handled++;
  } catch (error) {
    self.ledger.write('fail', n, context.attempt, context.redeliveries, context.signal.aborted ? 'aborted' : 'thrown');
    throw error;
  }
}

/** Writes its row, and is still writing when its time is over. */
async function writeTooLong(n: number, writes: Writes, context: DeliveryContext): Promise<void> {
  const insert = 'INSERT INTO effects (n, key, seq, process) VALUES ($1, $2, $3, $4)';
  await writes.query(insert, [n, -1, -1, `${self.options.name}/too-late`]);
  while (!context.signal.aborted) await delay(20);
  await delay(30);
  // Its transaction is over: this may not be written any more, not even in somebody else's.
  await writes.query(insert, [n, -1, -1, `${self.options.name}/too-late`]);
}

const options = listenerOptions(row);

/** `@Idempotent` as the row says: with an inbox, with a store, or not at all. */
function Once(): MethodDecorator {
  if (row.guard === 'none') return () => undefined;
  return Idempotent(
    store === undefined ? { guard: new TransactionalInbox(database) } : { store, lease: '10s' },
  ) as MethodDecorator;
}

class OrderListener {
  @Listener(options)
  @Once()
  async onOrder(
    @Payload() order: LedgerOrder,
    @Message() message: ReceivedMessage,
    @Context() context: DeliveryContext,
  ): Promise<void> {
    await handle(order, message, context, (context.transaction as Writes | undefined) ?? pool);
    if (row.manual) context.ack();
  }
}

const app = await Leveret.start({
  connection: {
    urls: [...self.options.urls],
    name: self.options.name,
    heartbeat: self.options.heartbeatSeconds * 1000,
    startTimeout: '90s',
  },
  service,
  listeners: [OrderListener],
  logger: 'error',
  shutdownTimeout: '20s',
  start: 'wait',
});
self.tell({ type: 'ready' });
process.once('SIGTERM', async () => {
  self.ledger.write('sigterm');
  await app.close();
  await store?.close();
  await pool.end();
});

function listenerOptions({ queue, failure, manual, timeout }: Row): ListenerOptions {
  const { concurrency, prefetch } = self.options;
  const isSingle = queue === 'sac';
  return {
    id: 'ledger.orders',
    queue:
      queue === 'classic'
        ? { name: NAMES.queue }
        : {
            name: NAMES.queue,
            type: 'quorum',
            deliveryLimit: 50,
            deadLetterStrategy: 'at-least-once',
            overflow: 'reject-publish',
            ...(isSingle && { singleActiveConsumer: true }),
          },
    bindings: { exchange: NAMES.exchange, routingKey: NAMES.routingKey },
    deadLetter: true,
    concurrency: isSingle ? 1 : concurrency,
    ...(isSingle ? { ordered: keepsOrder(row) } : { prefetch }),
    ...(manual && { acknowledge: 'manual' }),
    ...(timeout && { timeout: TIMEOUT_MS }),
    ...(failure === 'local' && { retry: { maxAttempts: MAX_ATTEMPTS, initialInterval: 20, multiplier: 2 } }),
    ...(failure === 'stateful' && { retry: { maxAttempts: MAX_ATTEMPTS, initialInterval: 20, stateless: false } }),
    ...(failure === 'redeliver' && { redeliver: { delays: REDELIVER_MS } }),
    recoverer: republish(NAMES.parkedExchange, 'error', { declare: NAMES.parkedQueue }),
    ...(failure === 'republish' && { defaultRequeueRejected: false }),
  };
}
