import type { Clock, ScheduledCall } from '../clock/virtual-clock.js';
import { channelError } from '../errors/amqp-error.js';
import type { VersionProfile } from '../version/version-profile.js';
import { type FieldTable, type FieldValue, long, lookup } from '../wire/field-table.js';
import type { WireContent } from '../wire/frame-writer.js';
import { editProperties } from '../wire/properties.js';
import { Consumer, type ConsumerOwner, type ConsumerProperties } from './consumer.js';
import { ConsumerRing } from './consumer-ring.js';
import type { DeathReason, Message } from './message.js';
import type { QueueType } from './queue-arguments.js';
import type { QueueSettings } from './queue-settings.js';
import {
  FifoMessages,
  PriorityMessages,
  QuorumPriorityMessages,
  type ReadyMessages,
  ReturnsFirst,
  TwoLevelMessages,
} from './ready-messages.js';

/** What a queue needs from the virtual host it stands in. */
export interface QueueHost {
  readonly clock: Clock;
  readonly profile: VersionProfile;
  /** Takes a dead message; it is published to the dead-letter exchange by {@link settleDeadLetters}. */
  deadLetter(queue: Queue, message: Message, reason: DeathReason): void;
  settleDeadLetters(): void;
  /** The queue has expired, or its last consumer left. */
  queueExpired(queue: Queue): void;
}

/** How a queue was declared. */
export interface QueueDeclaration {
  readonly name: string;
  readonly vhost: string;
  readonly type: QueueType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** The connection an exclusive queue belongs to. */
  readonly owner: object | undefined;
  readonly arguments: FieldTable;
}

/** How a message comes back: rejected, handed back, or left by a receiver that went away. */
export type ReturnKind = 'reject' | 'nack' | 'gone';

/**
 * A queue with its ready messages and consumers. It knows nothing of sockets: consumers are handed messages through
 * {@link ConsumerOwner}, time comes from the host's clock. Every public method leaves the queue settled: whatever can be
 * delivered is delivered, limits hold, and dead letters are on their way.
 *
 * One class, though long: limits, expiry, delivery and requeueing all decide over the same two ends of the same list.
 */
export class Queue {
  readonly name: string;
  readonly vhost: string;
  readonly type: QueueType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly owner: object | undefined;
  readonly arguments: FieldTable;
  readonly singleActive: boolean;
  readonly maxPriority: number | undefined;
  /** Set once the queue is gone: what is settled later has no effect. */
  deleted = false;
  /** Name of the policy in force, for inspection. */
  policy: string | undefined;
  /** Messages handed out and not settled. */
  unackedCount = 0;
  /** Copies each new message, so that everything arrives twice. */
  duplicates = false;
  readonly #host: QueueHost;
  readonly #ready: ReadyMessages;
  readonly #consumers = new ConsumerRing();
  #settings: QueueSettings;
  #active: Consumer | undefined;
  #exclusiveConsumer: Consumer | undefined;
  #position = 0;
  #delivering = false;
  #expiryTimer: ScheduledCall | undefined;
  #expiryTimerAt = 0;
  #idleTimer: ScheduledCall | undefined;
  #usedAt: number;
  readonly #heldBack = new Set<Message>();
  /** Cancelled consumers that still hold messages. */
  readonly #lingering = new Set<Consumer>();

  constructor(declaration: QueueDeclaration, settings: QueueSettings, host: QueueHost) {
    this.name = declaration.name;
    this.vhost = declaration.vhost;
    this.type = declaration.type;
    this.durable = declaration.durable;
    this.autoDelete = declaration.autoDelete;
    this.owner = declaration.owner;
    this.arguments = declaration.arguments;
    this.singleActive = lookup(declaration.arguments, 'x-single-active-consumer')?.value === true;
    const maxPriority = lookup(declaration.arguments, 'x-max-priority')?.value;
    this.maxPriority = maxPriority === undefined ? undefined : Number(maxPriority);
    this.#host = host;
    this.#settings = settings;
    this.#ready = readyMessages(this, host.profile);
    this.#usedAt = host.clock.now();
    this.#watchIdle();
  }

  get settings(): QueueSettings {
    return this.#settings;
  }

  /** Messages that could be handed out now. */
  get readyCount(): number {
    return this.#ready.length;
  }

  get readyBytes(): number {
    return this.#ready.bytes;
  }

  get consumerCount(): number {
    return this.#consumers.size;
  }

  /** Consumers as queue.declare-ok counts them: quorum queues count whoever holds a message, and only the active one. */
  get reportedConsumers(): number {
    if (this.type !== 'quorum') return this.#consumers.size;
    for (const gone of this.#lingering) if (gone.unacked === 0) this.#lingering.delete(gone);
    let heldByConsumers = 0;
    for (const { unacked } of [...this.#consumers, ...this.#lingering]) heldByConsumers += unacked;
    const gets = this.unackedCount - heldByConsumers;
    const present = this.singleActive ? Math.min(1, this.#consumers.size) : this.#consumers.size;
    return present + this.#lingering.size + gets;
  }

  get consumers(): Iterable<Consumer> {
    return this.#consumers;
  }

  /** The one consumer served on a single-active-consumer queue. */
  get activeConsumer(): Consumer | undefined {
    return this.#active;
  }

  /** The ready messages in the order in which they would be handed out (by level where there are priorities). */
  get readyMessages(): Iterable<Message> {
    return this.#ready;
  }

  /** Such as `queue 'q' in vhost '/'`. */
  get description(): string {
    return `queue '${this.name}' in vhost '${this.vhost}'`;
  }

  /** Puts other settings in force, when a policy changes. */
  configure(settings: QueueSettings, policy: string | undefined): void {
    this.#settings = settings;
    this.policy = policy;
    this.#watchIdle();
    this.#enforceLimits();
    this.#settle();
  }

  /** Notes a use that keeps the queue from expiring: declare, also passive, and get. */
  touch(): void {
    this.#usedAt = this.#host.clock.now();
    this.#watchIdle();
  }

  /**
   * Takes a new message.
   *
   * @param ttlMs the message's own time to live
   * @returns `false` when the queue is full and refuses
   */
  publish(message: Message, ttlMs: number | undefined): boolean {
    if (this.#refuses(message)) {
      if (this.#settings.overflow === 'reject-publish-dlx') this.#host.deadLetter(this, message, 'maxlen');
      this.#host.settleDeadLetters();
      return false;
    }
    if (message.extra?.carriedCount !== undefined) {
      message.redelivered = this.type === 'quorum' || this.#host.profile.carriedFailures === 'failures';
    }
    message.position = ++this.#position;
    const expiryMs = smaller(ttlMs, this.#settings.messageTtlMs);
    if (expiryMs !== undefined) message.expiresAt = this.#host.clock.now() + expiryMs;
    if (this.duplicates) this.#addDuplicate(message);
    else if (this.#ready.length > 0 || !this.#deliverDirectly(message)) this.#enqueue(message);
    if (this.#ready.length > 0) this.#settle();
    else this.#host.settleDeadLetters();
    return true;
  }

  /** Hands out the next message for basic.get; `undefined` when there is none. */
  get(noAck: boolean): Message | undefined {
    this.touch();
    this.#expireHeads();
    const message = this.#ready.shift();
    if (message !== undefined && !noAck) this.unackedCount++;
    // What stood behind it may have expired long ago.
    this.#expireHeads();
    this.#watchExpiry();
    this.#host.settleDeadLetters();
    return message;
  }

  /** A message handed out was acknowledged. */
  ack(): void {
    this.unackedCount--;
  }

  /** A message handed out was refused for good: it is dead-lettered, or dropped. */
  discard(message: Message, kind: ReturnKind): void {
    this.unackedCount--;
    if (this.deleted) return;
    const carries =
      this.#host.profile.carriedFailures === 'quorum-discards' ? this.type === 'quorum' : kind === 'reject';
    if (carries) this.#carryFailure(message);
    this.#host.deadLetter(this, message, 'rejected');
    this.#host.settleDeadLetters();
  }

  /**
   * Messages handed out come back.
   *
   * @param messages in the order in which they were handed out
   */
  requeue(messages: readonly Message[], kind: ReturnKind): void {
    this.unackedCount -= messages.length;
    if (this.deleted) return;
    if (kind !== 'nack' && this.#host.profile.carriedFailures === 'failures') {
      for (const message of messages) this.#carryFailure(message);
    }
    if (this.type === 'classic') {
      // From the last to the first: each then belongs at the very front, and finding its place costs nothing.
      for (let i = messages.length - 1; i >= 0; i--) {
        const message = messages[i];
        if (message === undefined) continue;
        message.redelivered = true;
        this.#ready.putBack(message);
      }
    } else {
      for (const message of messages) this.#returnToQuorum(message, kind);
    }
    this.#enforceLimits();
    this.#settle();
  }

  /** Removes all ready messages and says how many. */
  purge(): number {
    const count = this.#ready.length;
    this.#ready.clear();
    this.#watchExpiry();
    return count;
  }

  /**
   * Adds a consumer. Nothing is delivered before {@link startDelivering}, so that the answer to basic.consume goes first.
   *
   * @throws {AmqpError} 403 when an exclusive consumer is in the way
   */
  consume(properties: ConsumerProperties): Consumer {
    const conflict =
      this.#exclusiveConsumer !== undefined ||
      (properties.exclusive && (this.#consumers.size > 0 || this.singleActive));
    // Quorum queues do not know of exclusive consumers.
    if (conflict && this.type === 'classic') throw channelError(403, `${this.description} in exclusive use`);
    const consumer = new Consumer(properties);
    if (consumer.exclusive && this.type === 'classic') this.#exclusiveConsumer = consumer;
    this.#consumers.add(consumer);
    this.#watchIdle();
    if (this.singleActive) this.#chooseActive();
    return consumer;
  }

  /** Delivers what can be delivered. */
  startDelivering(): void {
    this.#settle();
  }

  /** Takes a consumer away; its unacknowledged messages stay with its channel. */
  cancel(consumer: Consumer): void {
    this.#consumers.remove(consumer);
    if (this.type === 'quorum' && consumer.unacked > 0) this.#lingering.add(consumer);
    if (this.#exclusiveConsumer === consumer) this.#exclusiveConsumer = undefined;
    if (this.#active === consumer) this.#active = undefined;
    if (this.deleted) return;
    if (this.#consumers.size === 0) {
      if (this.autoDelete) {
        this.#host.queueExpired(this);
        return;
      }
      this.touch();
    }
    if (this.singleActive) this.#chooseActive();
    this.#settle();
  }

  /** A consumer may have room again: it gets what waits for it. */
  wake(consumer: Consumer): void {
    if (this.rejoin(consumer) && this.#ready.length > 0) this.#settle();
  }

  /** {@link rejoin} for all consumers of one owner, in the order in which they ran out of room. */
  rejoinAll(owner: ConsumerOwner): boolean {
    const takesOver = this.singleActive && this.#chooseActive();
    return this.#consumers.wakeOf(owner) || takesOver || this.#active?.owner === owner;
  }

  /** Lets a consumer with room stand in line again, without delivering yet; `true` when deliveries may follow. */
  rejoin(consumer: Consumer): boolean {
    const takesOver = this.singleActive && this.#chooseActive();
    return this.#consumers.wake(consumer) || takesOver || this.#active === consumer;
  }

  /** Ends the queue: timers stop, messages go. Returns the consumers, which are still to be told. */
  end(): readonly Consumer[] {
    this.deleted = true;
    this.#expiryTimer?.cancel();
    this.#idleTimer?.cancel();
    const consumers = [...this.#consumers];
    this.#consumers.clear();
    this.#active = undefined;
    this.#ready.clear();
    this.#heldBack.clear();
    return consumers;
  }

  /** Drops what a restart of the node would lose: on classic queues, messages that are not persistent. */
  dropTransient(): void {
    if (this.type !== 'classic') return;
    const kept = [...this.#ready].filter((message) => message.persistent);
    this.#ready.clear();
    for (const message of kept) this.#ready.push(message);
    this.#settle();
  }

  /** What is sent for a message: its own bytes, with the counting headers of quorum queues where they apply. */
  contentOf(message: Message, isGet: boolean): WireContent {
    if (this.type === 'classic') return message;
    const { carriedCount = 0 } = message.extra ?? {};
    const deliveryCount = message.extra?.deliveryCount ?? carriedCount;
    const acquiredCount = message.extra?.acquiredCount ?? carriedCount;
    const set: [string, FieldValue][] = [];
    if (acquiredCount > 0 && this.#host.profile.nackIsNoFailure) set.push(['x-acquired-count', long(acquiredCount)]);
    if (deliveryCount > 0 || (isGet && this.#host.profile.getShowsZeroDeliveryCount)) {
      set.push(['x-delivery-count', long(deliveryCount)]);
    }
    if (set.length === 0) return message;
    const { bytes, propertiesStart, propertiesEnd } = message;
    const properties = editProperties(bytes, propertiesStart, propertiesEnd, { set, sort: true });
    return message.derive(message.exchange, message.routingKey, properties);
  }

  /** Delivers as long as there are messages and consumers with room, then looks after expiry and dead letters. */
  #settle(): void {
    if (this.#delivering || this.deleted) return;
    this.#delivering = true;
    try {
      this.#expireHeads();
      while (this.#ready.length > 0) {
        const consumer = this.#nextConsumer();
        if (consumer === undefined) break;
        const message = this.#ready.shift();
        if (message === undefined) break;
        this.#handOver(consumer, message);
        this.#expireHeads();
      }
    } finally {
      this.#delivering = false;
    }
    this.#enforceLimits();
    this.#expireHeads();
    this.#watchExpiry();
    this.#host.settleDeadLetters();
  }

  /** The limit of a classic queue holds before anything expires. */
  #enqueue(message: Message): void {
    this.#ready.push(message);
    if (this.type === 'classic') this.#enforceLimits();
  }

  #deliverDirectly(message: Message): boolean {
    if (this.#delivering) return false;
    const consumer = this.#nextConsumer();
    if (consumer === undefined) return false;
    this.#delivering = true;
    try {
      this.#handOver(consumer, message);
    } finally {
      this.#delivering = false;
    }
    return true;
  }

  #handOver(consumer: Consumer, message: Message): void {
    if (!consumer.noAck) {
      this.unackedCount++;
      consumer.unacked++;
    }
    consumer.owner.deliver(consumer, message);
    if (this.type !== 'classic') this.#consumers.stepAside(consumer);
  }

  #nextConsumer(): Consumer | undefined {
    if (!this.singleActive) return this.#consumers.next();
    const active = this.#active;
    if (active === undefined || !active.canTake) return undefined;
    // A quorum queue of 4.x lets the active one finish before one of higher priority takes over.
    return this.#successor() === undefined ? active : undefined;
  }

  /** Quorum queues of 3.10 go by age alone. */
  #firstInLine(): Consumer | undefined {
    const byAge = this.type === 'quorum' && !this.#host.profile.singleActiveFollowsPriority;
    return byAge ? this.#consumers[Symbol.iterator]().next().value : this.#consumers.first();
  }

  #successor(): Consumer | undefined {
    if (this.type !== 'quorum' || !this.#host.profile.singleActiveFollowsPriority) return undefined;
    const first = this.#consumers.first();
    return first !== undefined && this.#active !== undefined && first.priority > this.#active.priority
      ? first
      : undefined;
  }

  /** Makes sure that someone is active; `true` when that changed. */
  #chooseActive(): boolean {
    const before = this.#active;
    if (before === undefined) this.#active = this.#firstInLine();
    else if (before.unacked === 0) this.#active = this.#successor() ?? before;
    return this.#active !== before;
  }

  #refuses(message: Message): boolean {
    const { overflow, maxLength, maxLengthBytes } = this.#settings;
    if (overflow === 'drop-head' || (maxLength === undefined && maxLengthBytes === undefined)) return false;
    const { length, bytes } = this.#ready;
    if (this.type === 'quorum') return length > (maxLength ?? length) || bytes > (maxLengthBytes ?? bytes);
    return length + 1 > (maxLength ?? length + 1) || bytes + message.bodySize > (maxLengthBytes ?? Infinity);
  }

  #enforceLimits(): void {
    const { overflow, maxLength, maxLengthBytes } = this.#settings;
    if (overflow !== 'drop-head' || (maxLength === undefined && maxLengthBytes === undefined)) return;
    const ready = this.#ready;
    while (ready.length > 0 && (ready.length > (maxLength ?? Infinity) || ready.bytes > (maxLengthBytes ?? Infinity))) {
      const dropped = ready.shift();
      if (dropped !== undefined) this.#host.deadLetter(this, dropped, 'maxlen');
    }
  }

  /**
   * Messages expire at the head only: one behind a longer-lived head stays until that one has gone, also behind a head of
   * higher priority.
   */
  #expireHeads(): void {
    if (this.#ready.length === 0) return;
    let now = -1;
    for (let head = this.#ready.peek(); head !== undefined && head.expiresAt >= 0; head = this.#ready.peek()) {
      if (now < 0) now = this.#host.clock.now();
      if (head.expiresAt > now) return;
      this.#ready.shift();
      this.#host.deadLetter(this, head, 'expired');
    }
  }

  #watchExpiry(): void {
    const next = this.#ready.peek()?.expiresAt ?? -1;
    if (next < 0 || (this.#expiryTimer !== undefined && this.#expiryTimerAt <= next)) return;
    this.#expiryTimer?.cancel();
    this.#expiryTimerAt = next;
    this.#expiryTimer = this.#host.clock.schedule(() => {
      this.#expiryTimer = undefined;
      this.#settle();
    }, next - this.#host.clock.now());
  }

  #watchIdle(): void {
    this.#idleTimer?.cancel();
    this.#idleTimer = undefined;
    const { expiresMs } = this.#settings;
    if (expiresMs === undefined || this.deleted || this.#consumers.size > 0) return;
    const clock = this.#host.clock;
    this.#idleTimer = clock.schedule(() => this.#host.queueExpired(this), this.#usedAt + expiresMs - clock.now());
  }

  #carryFailure(message: Message): void {
    if (this.#host.profile.carriedFailures === 'none') return;
    message.extra ??= {};
    message.extra.carriedCount = (message.extra.carriedCount ?? 0) + 1;
  }

  #addDuplicate(message: Message): void {
    this.#ready.push(message);
    const again = message.copy();
    again.redelivered = true;
    again.expiresAt = message.expiresAt;
    again.position = ++this.#position;
    this.#ready.push(again);
  }

  #returnToQuorum(message: Message, kind: ReturnKind): void {
    const { profile } = this.#host;
    const { deliveryLimit } = this.#settings;
    message.redelivered = true;
    message.extra ??= {};
    const extra = message.extra;
    const failed = kind !== 'nack' || !profile.nackIsNoFailure;
    extra.acquiredCount = (extra.acquiredCount ?? 0) + 1;
    if (failed) extra.deliveryCount = (extra.deliveryCount ?? 0) + 1;
    if (deliveryLimit !== undefined && (extra.deliveryCount ?? 0) > deliveryLimit) {
      this.#host.deadLetter(this, message, 'delivery_limit');
    } else if (!this.#holdBack(message, failed)) {
      const goesToTheEnd = deliveryLimit === undefined && kind !== 'gone' && !profile.nackIsNoFailure;
      if (goesToTheEnd) {
        message.position = ++this.#position;
        this.#ready.push(message);
      } else {
        this.#ready.putBack(message);
      }
    }
  }

  /** Delayed retry (4.3): the message comes back after `min(min * failed deliveries, max)`. */
  #holdBack(message: Message, failed: boolean): boolean {
    const retry = this.#settings.delayedRetry;
    if (retry === undefined || (retry.type !== 'all' && (retry.type === 'failed') !== failed)) return false;
    const delayMs = Math.min(retry.minMs * Math.max(1, message.extra?.deliveryCount ?? 0), retry.maxMs);
    this.#heldBack.add(message);
    this.#host.clock.schedule(() => {
      if (!this.#heldBack.delete(message)) return;
      this.#ready.putBack(message);
      this.#settle();
    }, delayMs);
    return true;
  }
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

function readyMessages(queue: Queue, profile: VersionProfile): ReadyMessages {
  if (queue.type === 'classic') {
    return queue.maxPriority === undefined ? new FifoMessages() : new PriorityMessages(queue.maxPriority + 1);
  }
  switch (profile.quorumPriorities) {
    case 'strict':
      return new ReturnsFirst(new QuorumPriorityMessages());
    case 'two-levels':
      return new ReturnsFirst(new TwoLevelMessages());
    default:
      return new ReturnsFirst(new FifoMessages());
  }
}
