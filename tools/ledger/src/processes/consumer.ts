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
import { EffectWriter, writeEffect } from './effect-writer.js';
import { LedgerOrder } from './ledger-order.js';
import { LedgerProcess, readProcessOptions } from './ledger-process.js';

/** Shorter than slow messages take: it has to be renewed. */
const LEASE = '4s';
/** Handlers of the row `timeout` have so long, and one in so many takes longer. */
const TIMEOUT_MS = 400;
const STRIKES_ONE_IN = 97;
const LATE_MS = 100;

const self = new LedgerProcess(readProcessOptions());
const { row, slowOneIn, handlerMs, heeds } = self.options;
const service = 'ledger';

const pool = new pg.Pool({ connectionString: self.options.databaseUrl, max: self.options.concurrency + 4 });
pool.on('error', () => undefined);
const database = postgresDatabase(pool, { service });
const store =
  row.guard === 'redis' ? await RedisIdempotencyStore.connect(self.options.redisUrl ?? '', { service }) : undefined;

/** Of an inbox. */
interface Writes {
  query(text: string, values: unknown[]): Promise<unknown>;
}

const effects = new EffectWriter(pool);

/** What the service does with a message: it writes one row, in the transaction of the inbox where there is one. */
async function handle(
  order: LedgerOrder,
  message: ReceivedMessage,
  context: DeliveryContext,
  transaction: Writes | undefined,
  attempt = context.attempt,
): Promise<void> {
  const { n } = order;
  const began = monotonicMicros();
  self.ledger.write('start', n, attempt, message.redelivered ? 1 : 0, context.redeliveries);
  try {
    if (!isWhole(order) || numberIn(message.messageId) !== n || message.headers['x-ledger'] !== String(n)) {
      self.ledger.write('corrupt', n);
    }
    const isSlow = order.fate === 'slow' || (slowOneIn > 0 && n % slowOneIn === 0);
    const workMs = handlerMs + (isSlow ? slowMs(n) : 0);
    // Many handlers of users do not look at their signal.
    const isHeeded = heeds === 'all' || (heeds === 'some' && n % 2 === 1);
    if (workMs > 0) await delay(workMs, undefined, isHeeded ? { signal: context.signal } : {});
    if (failsAt(order.fate, attempt)) throw new Error(`order ${n} fails at attempt ${attempt}`);
    const effect = { n, key: order.key, seq: order.seq, process: self.options.name };
    if (transaction === undefined) await effects.write(effect);
    else {
      if (row.timeout && n % STRIKES_ONE_IN === 0 && attempt < 3) await writeTooLong(n, transaction);
      await writeEffect(transaction, effect);
    }
    self.ledger.write('effect', n);
    self.counts.handled++;
    self.counts.lastStart = began;
  } catch (error) {
    self.ledger.write('fail', n, attempt, context.redeliveries, context.signal.aborted ? 'aborted' : 'thrown');
    throw error;
  }
}

/** In manual mode retries are the handler's own, too; what has none left goes to the dead letter queue. */
async function handleAndSettle(
  order: LedgerOrder,
  message: ReceivedMessage,
  context: DeliveryContext,
  transaction: Writes | undefined,
): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    try {
      await handle(order, message, context, transaction, attempt);
      context.ack();
      return;
    } catch {
      await delay(self.options.retryMs);
    }
  }
  context.reject();
}

/**
 * Writes its row, and is still writing when its time is over. By the clock: its signal also fires when the channel is gone, and
 * then the attempt goes on.
 */
async function writeTooLong(n: number, transaction: Writes): Promise<void> {
  const effect = { n, key: -1, seq: -1, process: `${self.options.name}/too-late` };
  await writeEffect(transaction, effect);
  for (const end = performance.now() + TIMEOUT_MS + LATE_MS; performance.now() < end; ) await delay(20);
  await delay(20);
  // Its transaction is over: this may not be written any more, not even in somebody else's.
  await writeEffect(transaction, effect);
}

const options = listenerOptions(row);

/** `@Idempotent` as the row says: with an inbox, with a store, or not at all. */
function Once(): MethodDecorator {
  if (row.guard === 'none') return () => undefined;
  return Idempotent(
    store === undefined ? { guard: new TransactionalInbox(database) } : { store, lease: LEASE },
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
    const transaction = context.transaction as Writes | undefined;
    if (row.manual) await handleAndSettle(order, message, context, transaction);
    else await handle(order, message, context, transaction);
  }
}

const app = await Leveret.start({
  connection: {
    urls: [...self.options.urls],
    name: self.options.name,
    heartbeat: self.options.heartbeatSeconds * 1000,
    startTimeout: '6m',
  },
  service,
  listeners: [OrderListener],
  logger: 'error',
  shutdownTimeout: '20s',
  start: 'wait',
});
self.onOrder(({ type }) => {
  const listener = app.listeners.get('ledger.orders');
  if (type === 'pause') void listener.pause({ reason: 'the ledger asks for it' });
  if (type === 'resume') listener.resume();
});
self.tell({ type: 'ready' });
process.once('SIGTERM', async () => {
  self.ledger.write('sigterm');
  await app.close();
  await store?.close();
  await pool.end();
});

function listenerOptions({ queue, failure, manual, timeout }: Row): ListenerOptions {
  const { concurrency, prefetch, retryMs } = self.options;
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
    ...(failure === 'local' &&
      !manual && { retry: { maxAttempts: MAX_ATTEMPTS, initialInterval: retryMs, multiplier: 2 } }),
    ...(failure === 'stateful' && { retry: { maxAttempts: MAX_ATTEMPTS, initialInterval: retryMs, stateless: false } }),
    ...(failure === 'redeliver' && { redeliver: { delays: REDELIVER_MS } }),
    recoverer: republish(NAMES.parkedExchange, 'error', { declare: NAMES.parkedQueue }),
    ...(failure === 'republish' && { retry: { maxAttempts: 1 } }),
  };
}
