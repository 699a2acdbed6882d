import { channelError } from '../errors/amqp-error.js';
import type { Message } from '../queue/message.js';
import type { Queue, QueueConsumer } from '../queue/queue.js';

/** A delivery that waits to be settled. `consumer` is `undefined` for basic.get. */
export interface Delivery {
  readonly tag: number;
  readonly message: Message;
  readonly queue: Queue;
  readonly consumer: QueueConsumer | undefined;
  /** Clock time at which it was sent. */
  readonly sentAt: number;
  /** The queue has it again, because it was not settled in time. The client may still settle it, to no effect. */
  readonly takenBack: boolean;
}

/** The deliveries of a channel that wait to be settled, in the order of their tags. */
export class UnackedDeliveries {
  #byTag = new Map<number, Delivery>();

  get size(): number {
    return this.#byTag.size;
  }

  add(delivery: Delivery): void {
    this.#byTag.set(delivery.tag, delivery);
  }

  /** Notes that the queue has these again. */
  takeBack(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#byTag.set(delivery.tag, { ...delivery, takenBack: true });
  }

  /** Takes one delivery. */
  takeOne(tag: number): Delivery {
    const delivery = this.#byTag.get(tag);
    if (delivery === undefined) throw channelError(406, `unknown delivery tag ${tag}`);
    this.#byTag.delete(tag);
    return delivery;
  }

  /**
   * Takes every delivery up to `tag`; with tag 0 all of them, of which there may be none.
   *
   * @throws {AmqpError} 406 when `tag` is not waiting
   */
  takeUpTo(tag: number): Delivery[] {
    if (tag === 0) return this.takeAll();
    if (!this.#byTag.has(tag)) throw channelError(406, `unknown delivery tag ${tag}`);
    const taken: Delivery[] = [];
    for (const delivery of this.#byTag.values()) {
      if (delivery.tag > tag) break;
      taken.push(delivery);
      this.#byTag.delete(delivery.tag);
    }
    return taken;
  }

  takeAll(): Delivery[] {
    const taken = [...this.#byTag.values()];
    this.#byTag.clear();
    return taken;
  }

  /** Takes the deliveries that a queue gets back now. */
  takeFrom(queue: Queue): Delivery[] {
    const taken = [...this.#byTag.values()].filter((delivery) => delivery.queue === queue);
    for (const { tag } of taken) this.#byTag.delete(tag);
    return taken.filter(({ takenBack }) => !takenBack);
  }

  /** Puts deliveries back that a rolled back transaction had settled. */
  restore(deliveries: readonly Delivery[]): void {
    const all = [...this.#byTag.values(), ...deliveries].sort((a, b) => a.tag - b.tag);
    this.#byTag = new Map(all.map((delivery) => [delivery.tag, delivery]));
  }

  [Symbol.iterator](): Iterator<Delivery> {
    return this.#byTag.values();
  }
}
