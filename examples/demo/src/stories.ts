import { OrderQuery, OrderStatus, PaySucceeded } from '@leveret-examples/contracts';
import { Leveret, PublishError, type Publisher, type PublishReceipt, silentLogger } from 'leveret';
import type { Excerpt } from './excerpt.js';
import { code } from './excerpts.js';
import type { Journal } from './journal.js';
import { names, run } from './names.js';
import { outage } from './outage-story.js';
import { paint, step } from './trace.js';

/** What a story works with. */
export interface Stage {
  readonly app: Leveret;
  readonly journal: Journal;
}

/** One message: what it is, where it ought to end, and its way there. */
export interface Story {
  readonly title: string;
  readonly expected: string;
  readonly code: Excerpt;
  /** Resolves with where the message ended. */
  tell(stage: Stage): Promise<string>;
}

/** The main story of leveret, message by message. */
export const stories: readonly Story[] = [
  {
    title: 'a payment that is handled',
    code: code.payListener,
    expected: 'handled (1 call)',
    tell: (stage) => consumed(stage, 'order-1', new PaySucceeded(1, '2025-11-01T10:00:00Z')),
  },
  {
    title: 'a payment whose handler fails twice',
    code: code.payListener,
    expected: 'handled (3 calls)',
    tell: (stage) => consumed(stage, 'order-2', new PaySucceeded(2, '2025-11-01T10:00:00Z')),
  },
  {
    title: 'a payment whose handler always fails',
    code: code.payListener,
    expected: 'error queue (3 calls)',
    tell: (stage) => consumed(stage, 'order-3', new PaySucceeded(3, '2025-11-01T10:00:00Z')),
  },
  {
    title: 'an invalid payment',
    code: code.payListener,
    expected: 'dead letter queue (0 calls)',
    tell: (stage) => consumed(stage, 'order-4', { orderId: 'four', paidAt: 'yesterday' }),
  },
  {
    title: 'a payment that the handler rejects',
    code: code.payListener,
    expected: 'dead letter queue (1 call)',
    tell: (stage) => consumed(stage, 'order-5', new PaySucceeded(5, '2025-11-01T10:00:00Z')),
  },
  {
    title: 'a publish that is confirmed',
    code: code.confirmed,
    expected: 'confirmed',
    tell: ({ app: { publisher } }) => fill(publisher),
  },
  {
    title: 'a publish into a queue that is full',
    code: code.intoFullQueue,
    expected: 'LEV_PUBLISH_NACKED, refused (3 attempts)',
    tell: intoFullQueue,
  },
  {
    title: 'a publish with a wrong routing key',
    code: code.wrongKey,
    expected: 'LEV_PUBLISH_UNROUTABLE, refused (1 attempt)',
    tell: ({ app: { publisher } }) =>
      published(publisher, 'wrong-key', (id) => publisher.publish(names.payExchange, 'pay.sucess', 'x', id)),
  },
  {
    title: 'a publish to an exchange that is not there',
    code: code.wrongExchange,
    expected: 'LEV_PUBLISH_EXCHANGE_MISSING, refused (1 attempt)',
    tell: ({ app: { publisher } }) =>
      published(publisher, 'wrong-exchange', (id) =>
        publisher.publish(`${names.payExchange}.missing`, 'pay.success', 'x', id),
      ),
  },
  {
    title: 'a publish without a broker',
    code: code.withoutBroker,
    expected: 'LEV_PUBLISH_NOT_CONNECTED, not-sent (3 attempts)',
    tell: withoutBroker,
  },
  {
    title: 'a request and its reply',
    code: code.queryListener,
    expected: 'replied (order 1 is paid)',
    tell: requested,
  },
  {
    title: 'an outage that fills no error queue',
    code: code.warehouse,
    expected: '20 handled, 0 in the error queue',
    tell: outage,
  },
];

type MessageId = { readonly messageId: string };

/** Publishes to the exchange of the pay service, and follows the message to its end. */
async function consumed({ app, journal }: Stage, name: string, payload: object): Promise<string> {
  const messageId = `${name}-${run}`;
  step('publisher', `publishes ${JSON.stringify(payload)} with the key pay.success`);
  await app.publisher.publish(names.payExchange, 'pay.success', payload, { messageId });
  step('broker', 'has the message: the promise of the publish resolves', 'cyan');
  journal.follow(messageId);
  const end = await journal.settled.wait(messageId);
  const calls = journal.calls(messageId) === 1 ? '1 call' : `${journal.calls(messageId)} calls`;
  if (end !== 'parked' && end !== 'rejected') return `${end ?? 'lost from sight'} (${calls})`;
  const failed = await journal.found.wait(messageId);
  if (failed === undefined) return `${end}, but not found again (${calls})`;
  const place = end === 'parked' ? 'error queue' : 'dead letter queue';
  step('person', `finds it in the ${place}:`);
  for (const header of TOLD.filter((each) => each in failed.headers))
    step('', paint('dim', `${header}: ${String(failed.headers[header])}`));
  return `${place} (${calls})`;
}

/** The headers that are shown of a message that failed. */
const TOLD = [
  'x-exception-message',
  'x-original-exchange',
  'x-original-routingKey',
  'x-leveret-listener',
  'x-leveret-attempts',
  'x-leveret-reason',
  'x-leveret-fingerprint',
  'x-first-death-queue',
  'x-first-death-reason',
];

/** Publishes, and tells what the broker and the promise say. */
async function published(
  publisher: Publisher,
  name: string,
  publish: (id: MessageId) => Promise<PublishReceipt>,
): Promise<string> {
  const messageId = `${name}-${run}`;
  const deaf = [
    publisher.onReturn(({ replyCode, replyText }) => step('broker', `returns it: ${replyCode} ${replyText}`, 'yellow')),
    publisher.onConfirm(({ ack, reason }) =>
      ack ? step('broker', 'ack', 'cyan') : step('broker', reason === undefined ? 'nack' : reason, 'yellow'),
    ),
  ];
  try {
    const { confirmMs } = await publish({ messageId });
    step('promise', `resolves after ~${Math.round(confirmMs)} ms: the broker has the message`, 'green');
    return 'confirmed';
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    step('promise', `rejects: ${error.message}`, 'red');
    return `${error.code}, ${error.fate} (${error.attempts === 1 ? '1 attempt' : `${error.attempts} attempts`})`;
  } finally {
    for (const stop of deaf) stop();
  }
}

let isFull = false;

/** The queue takes one message, which stays there. */
async function fill(publisher: Publisher): Promise<string> {
  isFull = true;
  return published(publisher, 'first', (id) => publisher.sendToQueue(names.fullQueue, 'first', id));
}

async function intoFullQueue({ app: { publisher } }: Stage): Promise<string> {
  if (!isFull) await fill(publisher);
  return published(publisher, 'second', (id) => publisher.sendToQueue(names.fullQueue, 'second', id));
}

async function withoutBroker(): Promise<string> {
  // An application that is not started has its publisher already: it connects when it must.
  await using app = new Leveret({
    connection: { urls: 'amqp://127.0.0.1:1' },
    publisher: { retry: { maxAttempts: 3, initialInterval: '500ms' } },
    logger: silentLogger,
  });
  step('publisher', 'tries 127.0.0.1:1, where nothing listens, three times');
  return published(app.publisher, 'nowhere', (id) => app.publisher.sendToQueue(names.fullQueue, 'x', id));
}

async function requested(stage: Stage): Promise<string> {
  const { app, journal } = stage;
  // Told alone, this scene has no payment before it.
  if (journal.calls(`order-1-${run}`) === 0) {
    await consumed(stage, 'order-1', new PaySucceeded(1, '2025-11-01T10:00:00Z'));
  }
  const messageId = `query-${run}`;
  step('publisher', 'asks: how is order 1?');
  const reply = app.publisher.request('', names.queryQueue, new OrderQuery(1), { messageId, replyType: OrderStatus });
  journal.follow(messageId);
  const [{ orderId, status }] = await Promise.all([reply, journal.settled.wait(messageId)]);
  step('promise', `resolves with the reply: order ${orderId} is ${status}`, 'green');
  return `replied (order ${orderId} is ${status})`;
}
