import type { Consumer, ConsumerOwner } from './consumer.js';

interface Level<Q> {
  readonly priority: number;
  readonly active: Consumer<Q>[];
}

/**
 * Decides whose turn it is: higher priority first, round robin within one. A consumer found without credit steps aside
 * and, once it may take again, joins at the end of its level, as in RabbitMQ.
 */
export class ConsumerRing<Q = unknown> {
  /** Highest priority first. */
  #levels: Level<Q>[] = [];
  readonly #waiting = new Set<Consumer<Q>>();
  readonly #all = new Set<Consumer<Q>>();

  get size(): number {
    return this.#all.size;
  }

  /** All consumers, in the order they came. */
  [Symbol.iterator](): Iterator<Consumer<Q>> {
    return this.#all.values();
  }

  add(consumer: Consumer<Q>): void {
    this.#all.add(consumer);
    this.#join(consumer);
  }

  remove(consumer: Consumer<Q>): void {
    this.#all.delete(consumer);
    if (!this.#waiting.delete(consumer)) this.#leave(consumer);
  }

  clear(): void {
    this.#levels = [];
    this.#waiting.clear();
    this.#all.clear();
  }

  /** The consumer that gets the next message, now at the end of its level; `undefined` when none can take one. */
  next(): Consumer<Q> | undefined {
    for (const { active } of this.#levels) {
      for (let consumer = active[0]; consumer !== undefined; consumer = active[0]) {
        if (consumer.canTake) {
          if (active.length > 1) {
            active.shift();
            active.push(consumer);
          }
          return consumer;
        }
        active.shift();
        this.#waiting.add(consumer);
      }
    }
    return undefined;
  }

  /** Lets a consumer step aside at once when its credit is used up (quorum queues). */
  stepAside(consumer: Consumer<Q>): void {
    if (consumer.hasCredit || this.#waiting.has(consumer) || !this.#all.has(consumer)) return;
    this.#leave(consumer);
    this.#waiting.add(consumer);
  }

  /** Lets a waiting consumer join again if it can take; `true` when it did. */
  wake(consumer: Consumer<Q>): boolean {
    if (!this.#waiting.has(consumer) || !consumer.canTake) return false;
    this.#waiting.delete(consumer);
    this.#join(consumer);
    return true;
  }

  /** Lets the waiting consumers of one owner join again, in the order in which they stepped aside. */
  wakeOf(owner: ConsumerOwner<Q>): boolean {
    let woken = false;
    for (const consumer of [...this.#waiting]) if (consumer.owner === owner && this.wake(consumer)) woken = true;
    return woken;
  }

  /** The first consumer of the highest priority. */
  first(): Consumer<Q> | undefined {
    let best: Consumer<Q> | undefined;
    for (const consumer of this.#all) if (best === undefined || consumer.priority > best.priority) best = consumer;
    return best;
  }

  #leave(consumer: Consumer<Q>): void {
    const level = this.#levels.find((candidate) => candidate.priority === consumer.priority);
    const index = level?.active.indexOf(consumer) ?? -1;
    if (index >= 0) level?.active.splice(index, 1);
  }

  #join(consumer: Consumer<Q>): void {
    const { priority } = consumer;
    const level = this.#levels.find((candidate) => candidate.priority === priority);
    if (level !== undefined) {
      level.active.push(consumer);
      return;
    }
    const index = this.#levels.findIndex((candidate) => candidate.priority < priority);
    this.#levels.splice(index < 0 ? this.#levels.length : index, 0, { priority, active: [consumer] });
  }
}
