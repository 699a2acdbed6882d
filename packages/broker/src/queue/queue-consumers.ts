import type { VersionProfile } from '../version/version-profile.js';
import type { Consumer, ConsumerOwner, ConsumerProperties } from './consumer.js';
import { ConsumerRing } from './consumer-ring.js';
import type { Message } from './message.js';
import type { QueueType } from './queue-arguments.js';

/** A message and who gets it. */
export interface Handover<Q = unknown> {
  readonly consumer: Consumer<Q>;
  readonly message: Message;
}

/** Who consumes from a queue and whose turn it is, with the rules for exclusive and single active consumers. */
export class QueueConsumers<Q = unknown> {
  readonly #type: QueueType;
  readonly #singleActive: boolean;
  readonly #followsPriority: boolean;
  readonly #ordersByTag: boolean;
  readonly #ring = new ConsumerRing<Q>();
  #active: Consumer<Q> | undefined;
  #exclusive: Consumer<Q> | undefined;
  #serial = 0;
  /** Cancelled consumers that still hold messages. */
  readonly #lingering = new Set<Consumer<Q>>();

  constructor(type: QueueType, singleActive: boolean, profile: VersionProfile) {
    this.#type = type;
    this.#singleActive = singleActive;
    this.#followsPriority = profile.singleActiveFollowsPriority;
    this.#ordersByTag = profile.quorumOrdersByTag;
  }

  get size(): number {
    return this.#ring.size;
  }

  /** The one consumer served on a single-active-consumer queue. */
  get active(): Consumer<Q> | undefined {
    return this.#active;
  }

  /** All consumers, in the order they came. */
  [Symbol.iterator](): Iterator<Consumer<Q>> {
    return this.#ring[Symbol.iterator]();
  }

  /**
   * Consumers as queue.declare-ok counts them: quorum queues count whoever holds a message, and only the active one.
   *
   * @param unackedCount messages of the queue handed out and not settled, those of basic.get included
   */
  reported(unackedCount: number): number {
    if (this.#type !== 'quorum') return this.#ring.size;
    for (const gone of this.#lingering) if (gone.unacked === 0) this.#lingering.delete(gone);
    let heldByConsumers = 0;
    for (const { unacked } of [...this.#ring, ...this.#lingering]) heldByConsumers += unacked;
    const gets = unackedCount - heldByConsumers;
    const present = this.#singleActive ? Math.min(1, this.#ring.size) : this.#ring.size;
    return present + this.#lingering.size + gets;
  }

  /** Whether an exclusive consumer is in the way; quorum queues do not know of exclusive consumers. */
  excludes({ exclusive }: ConsumerProperties<Q>): boolean {
    if (this.#type !== 'classic') return false;
    return this.#exclusive !== undefined || (exclusive && (this.#ring.size > 0 || this.#singleActive));
  }

  add(consumer: Consumer<Q>): void {
    if (consumer.exclusive && this.#type === 'classic') this.#exclusive = consumer;
    const earlier = this.#lingeringLike(consumer);
    if (earlier === undefined) {
      consumer.serial = ++this.#serial;
    } else {
      consumer.succeed(earlier);
      this.#lingering.delete(earlier);
    }
    this.#ring.add(consumer);
    this.#chooseActive();
  }

  remove(consumer: Consumer<Q>): void {
    this.#ring.remove(consumer);
    if (this.#type === 'quorum' && consumer.unacked > 0) this.#lingering.add(consumer);
    if (this.#exclusive === consumer) this.#exclusive = undefined;
    if (this.#active === consumer) this.#active = undefined;
    this.#chooseActive();
  }

  clear(): void {
    this.#ring.clear();
    this.#active = undefined;
  }

  /** The consumer that gets the next message; `undefined` when none can take one. */
  next(): Consumer<Q> | undefined {
    if (!this.#singleActive) return this.#ring.next();
    const active = this.#active;
    if (active === undefined || !active.canTake) return undefined;
    // A quorum queue of 4.x lets the active one finish before one of higher priority takes over.
    return this.#successor() === undefined ? active : undefined;
  }

  /** A round of a quorum queue in the order in which it is sent: consumer after consumer. */
  inSendingOrder(round: readonly Handover<Q>[]): readonly Handover<Q>[] {
    if (round.length < 2) return round;
    const byTag = (a: Consumer<Q>, b: Consumer<Q>): number => (a.tag < b.tag ? -1 : a.tag > b.tag ? 1 : 0);
    const compare = this.#ordersByTag ? byTag : (a: Consumer<Q>, b: Consumer<Q>) => a.serial - b.serial;
    return [...round].sort((a, b) => compare(a.consumer, b.consumer));
  }

  /** The consumer was handed a message; one of a quorum queue steps aside at once when that was its last credit. */
  handed(consumer: Consumer<Q>): void {
    if (this.#type !== 'classic') this.#ring.stepAside(consumer);
  }

  /** Lets a consumer with room stand in line again; `true` when deliveries may follow. */
  rejoin(consumer: Consumer<Q>): boolean {
    const present = consumer.successor === undefined ? consumer : latest(consumer);
    const takesOver = this.#chooseActive();
    return this.#ring.wake(present) || takesOver || this.#active === present;
  }

  /** {@link rejoin} for all consumers of one owner, in the order in which they ran out of room. */
  rejoinAll(owner: ConsumerOwner<Q>): boolean {
    const takesOver = this.#chooseActive();
    return this.#ring.wakeOf(owner) || takesOver || this.#active?.owner === owner;
  }

  /** A quorum queue knows a consumer by its channel and tag as long as it holds messages. */
  #lingeringLike({ owner, tag }: Consumer<Q>): Consumer<Q> | undefined {
    for (const gone of this.#lingering) {
      if (gone.owner === owner && gone.tag === tag && gone.unacked > 0) return gone;
    }
    return undefined;
  }

  /** Makes sure that someone is active on a single-active-consumer queue; `true` when that changed. */
  #chooseActive(): boolean {
    if (!this.#singleActive) return false;
    const before = this.#active;
    if (before === undefined) this.#active = this.#firstInLine();
    else if (before.late > 0) this.#active = [...this.#ring].find(({ late }) => late === 0) ?? before;
    else if (before.unacked === 0) this.#active = this.#successor() ?? before;
    return this.#active !== before;
  }

  /** Quorum queues of 3.10 go by age alone. */
  #firstInLine(): Consumer<Q> | undefined {
    const byAge = this.#type === 'quorum' && !this.#followsPriority;
    return byAge ? this.#ring[Symbol.iterator]().next().value : this.#ring.first();
  }

  #successor(): Consumer<Q> | undefined {
    if (this.#type !== 'quorum' || !this.#followsPriority) return undefined;
    const first = this.#ring.first();
    return first !== undefined && this.#active !== undefined && first.priority > this.#active.priority
      ? first
      : undefined;
  }
}

function latest<Q>(consumer: Consumer<Q>): Consumer<Q> {
  let last = consumer;
  while (last.successor !== undefined) last = last.successor;
  return last;
}
