import { Broker } from '@leveret/broker';
import { Leveret, type LeveretEvent, listener, republish, silentLogger } from 'leveret';

/** How long one payment, and one order, takes: slow enough to be watched. */
const WORK_MS = 60;

/** What can be done on the page: its name, and what its button says. */
export const ACTIONS = {
  payments: 'Publish 50 payments',
  failing: 'Publish 5 that always fail',
  invalid: 'Publish 5 that are invalid',
  orders: 'Publish 50 orders',
  warehouse: 'Warehouse: down or up',
  mend: 'Mend, and send parked ones again',
} as const;

export type Action = keyof typeof ACTIONS;

/** A queue as the page shows it. */
export interface QueueState {
  readonly name: string;
  /** What it is for, in a few words. */
  readonly about: string;
  readonly ready: number;
  /** With consumers. */
  readonly unacked: number;
  /** Why its listener takes nothing at the moment. */
  readonly paused: string | undefined;
}

/** Everything that the page shows. */
export interface ShopState {
  readonly health: string;
  readonly warehouseIsUp: boolean;
  readonly queues: readonly QueueState[];
  readonly counts: Readonly<Record<'handled' | 'retried' | 'parked' | 'rejected', number>>;
}

const ABOUT: Readonly<Record<string, string>> = {
  payments: 'handled one after the other, four at a time',
  'payments.dlq': 'what cannot be read: to the dead letter queue, never retried',
  orders: 'for the warehouse; its listener pauses by itself in an outage',
  'error.queue': 'parked after three calls, with the reason in its headers',
};

interface Payment {
  readonly orderId: number;
  readonly fails?: boolean;
}

/** A service on a broker inside this process, with buttons to make trouble. */
export class WebShop implements AsyncDisposable {
  readonly #broker: Broker;
  readonly #app: Leveret;
  #warehouseIsUp = true;
  #mending = false;
  readonly #counts = { handled: 0, retried: 0, parked: 0, rejected: 0 };
  #next = 1;

  private constructor(broker: Broker) {
    this.#broker = broker;
    const payments = listener(
      {
        queue: 'payments',
        payload: Object,
        prefetch: 8,
        concurrency: 4,
        deadLetter: true,
        retry: { maxAttempts: 3, initialInterval: '300ms' },
        recoverer: republish('error.direct', 'error', { declare: true }),
      },
      async (payment) => {
        await new Promise((resolve) => setTimeout(resolve, WORK_MS));
        if ((payment as Payment).fails === true) throw new Error('the card was refused');
      },
    );
    const orders = listener(
      {
        id: 'warehouse',
        queue: { name: 'orders', type: 'classic' },
        payload: Object,
        prefetch: 8,
        concurrency: 4,
        deadLetter: true,
        retry: { maxAttempts: 3, initialInterval: '300ms' },
        recoverer: republish('error.direct', 'error', { declare: true }),
        killSwitch: { activeAt: 4, pause: '1s' },
      },
      async () => {
        await new Promise((resolve) => setTimeout(resolve, WORK_MS));
        if (!this.#warehouseIsUp) throw new Error('the warehouse does not answer');
      },
    );
    // A person who has mended the fault: takes what is parked, and publishes it again as it should have been.
    const mend = listener(
      { id: 'mend', queue: { name: 'error.queue', declare: 'if-missing' }, payload: Object, autoStart: false },
      async (payment) => {
        await this.#app.publisher.sendToQueue('payments', { orderId: (payment as Payment).orderId });
      },
    );
    this.#app = new Leveret({
      connection: { urls: broker.url },
      listeners: [payments, orders, mend],
      logger: silentLogger,
      onEvent: (event) => this.#count(event),
    });
  }

  static async start(): Promise<WebShop> {
    const broker = await Broker.start();
    try {
      const shop = new WebShop(broker);
      await shop.#app.start();
      return shop;
    } catch (error) {
      await broker.close();
      throw error;
    }
  }

  get state(): ShopState {
    const queues = Object.entries(ABOUT).map(([name, about]): QueueState => {
      const view = this.#broker.queue(name);
      const paused = name === 'orders' ? this.#app.listeners.get('warehouse').inspect().paused?.reason : undefined;
      return { name, about, ready: view?.ready ?? 0, unacked: view?.unacked ?? 0, paused };
    });
    const { status } = this.#app.health();
    return { health: status, warehouseIsUp: this.#warehouseIsUp, queues, counts: { ...this.#counts } };
  }

  async act(action: Action): Promise<void> {
    switch (action) {
      case 'payments':
        return this.#publish('payments', 50, () => ({ orderId: this.#next++ }));
      case 'failing':
        return this.#publish('payments', 5, () => ({ orderId: this.#next++, fails: true }));
      case 'invalid':
        return this.#publish('payments', 5, () => Buffer.from('{"orderId": seven}'));
      case 'orders':
        return this.#publish('orders', 50, () => ({ orderId: this.#next++ }));
      case 'warehouse':
        this.#warehouseIsUp = !this.#warehouseIsUp;
        return;
      case 'mend':
        return this.#mend();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close({ timeout: 1000 });
    await this.#broker.close();
  }

  async #publish(queue: string, count: number, payload: () => object): Promise<void> {
    const options = { contentType: 'application/json' };
    await Promise.all(Array.from({ length: count }, () => this.#app.publisher.sendToQueue(queue, payload(), options)));
  }

  /** Until the error queue is empty, for ten seconds at most. */
  async #mend(): Promise<void> {
    const listening = this.#app.listeners.get('mend');
    if (this.#mending) return;
    this.#mending = true;
    try {
      await listening.start();
      for (let looks = 0; looks < 100 && this.#parked > 0; looks++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await listening.stop();
    } finally {
      this.#mending = false;
    }
  }

  get #parked(): number {
    const queue = this.#broker.queue('error.queue');
    return (queue?.ready ?? 0) + (queue?.unacked ?? 0);
  }

  #count(event: LeveretEvent): void {
    if ('listenerId' in event && event.listenerId === 'mend') return;
    if (event.type === 'handled') this.#counts.handled++;
    if (event.type === 'retried') this.#counts.retried++;
    if (event.type === 'recovered') this.#counts.parked++;
    if (event.type === 'rejected') this.#counts.rejected++;
  }
}
