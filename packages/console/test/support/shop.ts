import type { ConsoleOutbox, ConsoleOutboxRow, StartConsoleOptions } from '@leveret/console';
import { Leveret, type LeveretOptions, listener, republish, schedule } from 'leveret';
import { startEmbeddedNode } from '../../../../tools/scripts/embedded-node.mjs';
import { FAILURE_KINDS, FailedMessages, type FailureKind, type Parking } from './failed-messages.js';

const SPAN_MS = 2 * 3_600_000;

/** How many of each kind, and where they are parked. */
const PARKED: readonly (readonly [count: number, queue: string, failedIn: string])[] = [
  [180, 'error.queue', 'trade.pay.success.queue'],
  [64, 'error.queue', 'billing.order.queue'],
  [38, 'stock.reserved.queue.dlq', 'stock.reserved.queue'],
  [12, 'trade.pay.success.queue.dlq', 'trade.pay.success.queue'],
  [6, 'error.queue', 'billing.order.queue'],
];

type EmbeddedNode = Awaited<ReturnType<typeof startEmbeddedNode>>;

/** An application with everything that the console can show, on a broker inside this process. */
export class Shop implements AsyncDisposable {
  readonly broker: EmbeddedNode;
  readonly outside: FailedMessages;
  readonly app: Leveret;
  readonly outbox = new ShopOutbox();
  readonly #options: LeveretOptions;

  private constructor(broker: EmbeddedNode, outside: FailedMessages, app: Leveret, options: LeveretOptions) {
    this.broker = broker;
    this.outside = outside;
    this.app = app;
    this.#options = options;
  }

  static async start(): Promise<Shop> {
    const broker = await startEmbeddedNode({ version: '4.3' });
    const options = optionsOf(broker.url);
    const app = await Leveret.start(options);
    const outside = await FailedMessages.open(broker.url, '');
    const shop = new Shop(broker, outside, app, options);
    await shop.#fail();
    return shop;
  }

  /** For the console of this application. */
  async consoleOptions(): Promise<StartConsoleOptions> {
    const { url, managementUrl } = this.broker;
    return {
      connection: { urls: url },
      management: { url: managementUrl },
      app: this.app,
      outbox: this.outbox,
      plan: await new Leveret(this.#options).plan(),
      mask: ['card.number'],
    };
  }

  async #fail(): Promise<void> {
    for (const [index, [count, queue, failedIn]] of PARKED.entries()) {
      const kind = FAILURE_KINDS[index] as FailureKind;
      await this.outside.park(
        queue,
        Array.from({ length: count }, (_, place) => parkingOf(kind, failedIn, index, place, count)),
      );
    }
    const keys = ['order.paid', 'order.paid', 'order.refunded', 'order.shipped'];
    const published = Array.from({ length: 120 }, (_, orderId) =>
      this.app.publisher.publish('orders', keys[orderId % keys.length] as string, { orderId }),
    );
    await Promise.all(published);
    await this.app.listeners.get('StockListener.onReserved').pause({ reason: 'the warehouse moves house' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.outside.close();
    await this.app.close();
    await this.broker.remove();
  }
}

function parkingOf(kind: FailureKind, failedIn: string, index: number, place: number, count: number): Parking {
  const orderId = 1000 * (index + 1) + place;
  // More of them towards the end, in waves: nothing fails evenly.
  const share = (place + 0.5) / count;
  const ago = SPAN_MS * (1 - share ** 0.6) * (0.55 + 0.45 * Math.cos(share * (4 + 3 * index)) ** 2);
  const body = {
    ...{ orderId, amount: 19.9 + place, currency: 'EUR', card: { number: '4111111111111111', holder: 'Ada Lovelace' } },
    items: [
      { sku: 'A-17', count: 2 },
      { sku: 'B-03', count: 1 },
    ],
    gift: false,
  };
  return { id: `order-${orderId}`, kind, failedIn, failedAt: Date.now() - Math.round(ago), body: JSON.stringify(body) };
}

function optionsOf(url: string): LeveretOptions {
  const recoverer = republish('error.direct', 'error', { declare: true });
  const onEvent = (id: string, queue: string, exchange: string, routingKey: string | string[]) =>
    listener(
      {
        ...{ id, queue, payload: Object, recoverer, deadLetter: true, concurrency: 4 },
        bindings: { exchange: { name: exchange, type: exchange === 'orders' ? 'topic' : 'direct' }, routingKey },
      },
      async () => undefined,
    );
  return {
    connection: { urls: url },
    service: 'trade',
    logger: 'silent',
    listeners: [
      onEvent('PayStatusListener.onPaySucceeded', 'trade.pay.success.queue', 'pay.direct', 'pay.success'),
      onEvent('InvoiceListener.onOrder', 'billing.order.queue', 'orders', ['order.paid', 'order.refunded']),
      onEvent('StockListener.onReserved', 'stock.reserved.queue', 'orders', 'order.*.reserved'),
      onEvent('MailListener.onShipped', 'mail.shipped.queue', 'orders', 'order.shipped'),
    ],
    schedules: [
      schedule({ id: 'PayPolling.askForUnpaid', every: '20s', immediate: true }, () => undefined),
      schedule({ id: 'Cleanup.nightly', every: '24h', immediate: true }, () => {
        throw new Error('lock timeout: the table is vacuumed');
      }),
    ],
  };
}

/** An outbox in memory. */
class ShopOutbox implements ConsoleOutbox {
  requeued: readonly number[] | 'all' = [];
  #rows: readonly ConsoleOutboxRow[] = [1, 2].map((id) => ({
    ...{ id, messageId: `pay-${id}`, exchange: 'pay.direct', routingKey: 'pay.sucess', orderKey: 'order-17' },
    createdAt: new Date(Date.now() - 900_000),
    parkedAt: new Date(Date.now() - 300_000),
    error: 'NO_ROUTE: no queue is bound to exchange pay.direct by routing key pay.sucess',
    publication: { body: Buffer.from('{"orderId":17}'), headers: {} },
  }));

  async counts() {
    return { pending: 12, scheduled: 3, parked: this.#rows.length, heldUp: 4, oldestPendingMs: 840 };
  }

  async parked() {
    return this.#rows;
  }

  async requeue(ids: readonly number[] | 'all') {
    this.requeued = ids;
    const before = this.#rows.length;
    this.#rows = this.#rows.filter(({ id }) => ids !== 'all' && !ids.includes(id));
    return before - this.#rows.length;
  }
}
