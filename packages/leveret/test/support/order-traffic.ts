import { setTimeout as delay } from 'node:timers/promises';
import {
  Idempotent,
  Listener,
  type ListenerOptions,
  MemoryIdempotencyStore,
  Payload,
  type Publisher,
  type QueueOptions,
} from 'leveret';
import { eventually } from './eventually.js';
import { Order } from './order.js';

/** Sent every so many milliseconds, whatever became of those before. */
const EVERY_MS = 10;
/** So many may be on the way: more would only fill the buffer of the publisher while nothing is confirmed. */
const ON_THE_WAY = 300;
/** Between a publish that failed and the next with the same id. */
const AGAIN_MS = 100;

/**
 * Orders that are sent to a queue one after another, each until it is confirmed, and handled behind a memory of their ids: what
 * was lost or took effect twice, and how long nothing moved. Several applications may handle the orders of one.
 */
export class OrderTraffic {
  readonly queue: string;
  readonly #options: QueueOptions;
  readonly #store = new MemoryIdempotencyStore();
  readonly #effects = new Map<number, number>();
  readonly #confirmed = new Set<number>();
  readonly #moments = { confirmed: [] as number[], handled: [] as number[] };
  readonly #sending: Promise<void>[] = [];
  #onTheWay = 0;
  #next = 0;
  #stopped = false;

  constructor(queue: string, options: QueueOptions = {}) {
    this.queue = queue;
    this.#options = { name: queue, ...options };
  }

  get confirmed(): number {
    return this.#confirmed.size;
  }

  get handled(): number {
    return this.#effects.size;
  }

  /** What handles the orders. Its id is the queue's name. */
  listener(options: Partial<ListenerOptions> = {}): new () => object {
    const declared = { id: this.queue, queue: this.#options, ...options };
    const store = this.#store;
    const handle = async (order: Order) => {
      await delay(1);
      this.#effects.set(order.id, (this.#effects.get(order.id) ?? 0) + 1);
      this.#moments.handled.push(performance.now());
    };
    class OrderListener {
      @Listener(declared)
      @Idempotent({ store })
      onOrder(@Payload() order: Order): Promise<void> {
        return handle(order);
      }
    }
    return OrderListener;
  }

  /** Sends by these publishers in turn until `stop()`. */
  start(...publishers: readonly Publisher[]): void {
    this.#sending.push(this.#send(publishers));
  }

  /** Sends no more, and resolves when everything is confirmed and handled. */
  async stop(limitMs: number): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#sending);
    await eventually(`all of ${this.#next} orders of ${this.queue} confirmed`, () => this.#onTheWay === 0, limitMs);
    await eventually(`all orders of ${this.queue} handled`, () => this.handled === this.#next, limitMs);
  }

  /** Orders that took effect more than once. */
  get doubled(): readonly number[] {
    return [...this.#effects].filter(([, count]) => count > 1).map(([id]) => id);
  }

  /** When something was confirmed or handled for the first time after a moment of `performance.now()`. */
  firstAfter(what: 'confirmed' | 'handled', moment: number): number | undefined {
    return this.#moments[what].find((each) => each > moment);
  }

  /** The longest time between two of them from a moment on until now, in milliseconds. */
  longestPause(what: 'confirmed' | 'handled', from: number): number {
    const moments = [from, ...this.#moments[what].filter((each) => each > from), performance.now()];
    return Math.max(...moments.slice(1).map((each, index) => each - (moments[index] ?? each)));
  }

  async #send(publishers: readonly Publisher[]): Promise<void> {
    while (!this.#stopped) {
      if (this.#onTheWay < ON_THE_WAY) {
        const publisher = publishers[this.#next % publishers.length];
        if (publisher !== undefined) void this.#untilConfirmed(this.#next++, publisher);
      }
      await delay(EVERY_MS);
    }
  }

  async #untilConfirmed(id: number, publisher: Publisher): Promise<void> {
    this.#onTheWay++;
    const messageId = `${this.queue}-${id}`;
    for (let isConfirmed = false; !isConfirmed; ) {
      isConfirmed = await publisher.sendToQueue(this.queue, { id }, { messageId }).then(
        () => true,
        () => delay(AGAIN_MS, false),
      );
    }
    this.#confirmed.add(id);
    this.#moments.confirmed.push(performance.now());
    this.#onTheWay--;
  }
}
