import type { ReturnKind } from '../queue/delivery-count.js';
import type { QueueConsumer } from '../queue/queue.js';
import { settlementGroups } from './settlement-groups.js';
import type { Delivery } from './unacked-deliveries.js';

/** Settles the deliveries of one channel: their queues are told, their credit comes back, and who waited for it is woken. */
export class Settler {
  /** Prefetch shared by all consumers of the channel; 0 for no limit. */
  sharedPrefetch = 0;
  /** Wakes every consumer of the channel. */
  readonly #wakeAll: () => void;
  /** Deliveries to consumers, without those of basic.get. */
  #sharedUnacked = 0;

  constructor(wakeAll: () => void) {
    this.#wakeAll = wakeAll;
  }

  /** Whether the limit shared by the consumers has room. */
  get hasSharedCredit(): boolean {
    return this.sharedPrefetch === 0 || this.#sharedUnacked < this.sharedPrefetch;
  }

  /** A delivery went to a consumer, and is to be settled. */
  takeCredit(): void {
    this.#sharedUnacked++;
  }

  /** Gives deliveries back to their queue that were not settled in time; settling them later has no effect on it. */
  takeBack(consumer: QueueConsumer, deliveries: readonly Delivery[]): void {
    consumer.late += deliveries.length;
    this.requeue(deliveries, 'nack');
  }

  ack(delivery: Delivery): void {
    if (delivery.takenBack) {
      this.#settleLate([delivery]);
      return;
    }
    delivery.queue.ack(delivery.message);
    this.#returnCredit(delivery);
    if (delivery.consumer !== undefined) this.#wakeAfter(delivery.consumer);
  }

  ackAll(deliveries: readonly Delivery[]): void {
    this.#settleLate(deliveries);
    for (const group of settlementGroups(deliveries.filter(isHeld))) {
      for (const delivery of group) {
        delivery.queue.ack(delivery.message);
        this.#returnCredit(delivery);
      }
      this.#wakeConsumerOf(group);
    }
    this.#wakeShared();
  }

  /** Refuses for good. */
  discard(deliveries: readonly Delivery[], kind: ReturnKind): void {
    this.#settleLate(deliveries);
    for (const group of settlementGroups(deliveries.filter(isHeld))) {
      const [first] = group;
      if (first === undefined) continue;
      for (const delivery of group) this.#returnCredit(delivery);
      const messages = group.map(({ message }) => message);
      first.queue.discard(messages, kind, () => this.#wakeConsumerOf(group));
    }
    this.#wakeShared();
  }

  /** Gives back to the queues. */
  requeue(deliveries: readonly Delivery[], kind: ReturnKind): void {
    for (const group of settlementGroups(deliveries.filter(isHeld))) {
      const [first] = group;
      if (first === undefined) continue;
      for (const delivery of group) this.#returnCredit(delivery);
      // The one that held a message stands in line for it again, but nothing is delivered before it is back in place.
      if (first.consumer !== undefined && this.sharedPrefetch === 0) first.queue.rejoin(first.consumer);
      first.queue.requeue(
        group.map(({ message }) => message),
        kind,
      );
    }
    this.#wakeShared();
  }

  /** Forgets deliveries whose messages go back to their queues another way. */
  forget(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#returnCredit(delivery);
  }

  /** Who has acknowledged or refused all that it was late with gets messages again; giving back does not count. */
  #settleLate(deliveries: readonly Delivery[]): void {
    for (const { takenBack, consumer } of deliveries) {
      if (!takenBack || consumer === undefined) continue;
      consumer.late--;
      if (consumer.late === 0) this.#wakeAfter(consumer);
    }
  }

  #returnCredit({ consumer }: Delivery): void {
    if (consumer === undefined) return;
    consumer.settled();
    this.#sharedUnacked--;
  }

  #wakeAfter(consumer: QueueConsumer): void {
    if (this.sharedPrefetch > 0) this.#wakeAll();
    else consumer.queue.wake(consumer);
  }

  #wakeConsumerOf([first]: readonly Delivery[]): void {
    if (first?.consumer !== undefined && this.sharedPrefetch === 0) first.queue.wake(first.consumer);
  }

  /** The limit shared by the channel is counted apart, and hears of the room last. */
  #wakeShared(): void {
    if (this.sharedPrefetch > 0) this.#wakeAll();
  }
}

function isHeld({ takenBack }: Delivery): boolean {
  return !takenBack;
}
