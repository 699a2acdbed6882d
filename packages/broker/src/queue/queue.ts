import type { Clock } from '../clock/virtual-clock.js';
import { channelError } from '../errors/amqp-error.js';
import type { VersionProfile } from '../version/version-profile.js';
import { type FieldTable, lookup } from '../wire/field-table.js';
import type { WireContent } from '../wire/frame-writer.js';
import { Backlog } from './backlog.js';
import { Consumer, type ConsumerOwner, type ConsumerProperties } from './consumer.js';
import { Deaths } from './deaths.js';
import { Deliverer } from './deliverer.js';
import { contentWithCounts, countsFailures, type ReturnKind } from './delivery-count.js';
import type { DeathReason, Message } from './message.js';
import type { QueueType } from './queue-arguments.js';
import { QueueConsumers } from './queue-consumers.js';
import type { QueueSettings } from './queue-settings.js';
import { QueueTimers } from './queue-timers.js';
import { ReturnedMessages } from './returned-messages.js';

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
  /** Order among the queues of the virtual host. */
  readonly serial: number;
}

/** A consumer that knows its queue. */
export type QueueConsumer = Consumer<Queue>;

/** Who receives for such a consumer. */
export type QueueConsumerOwner = ConsumerOwner<Queue>;

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

/**
 * A queue with its ready messages and consumers. It knows nothing of sockets: consumers are handed messages through
 * {@link ConsumerOwner}, time comes from the host's clock. Every public method leaves the queue settled: whatever can be
 * delivered is delivered, limits hold, and dead letters are on their way.
 */
export class Queue {
  readonly name: string;
  readonly vhost: string;
  readonly type: QueueType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly owner: object | undefined;
  readonly arguments: FieldTable;
  readonly serial: number;
  readonly singleActive: boolean;
  readonly maxPriority: number | undefined;
  /** Set once the queue is gone: what is settled later has no effect. */
  deleted = false;
  /** Name of the policy in force, for inspection. */
  policy: string | undefined;
  /** Messages handed out and not settled. */
  unackedCount = 0;
  #unackedWeight = 0;
  /** Copies each new message, so that everything arrives twice. */
  duplicates = false;
  readonly #host: QueueHost;
  readonly #backlog: Backlog;
  readonly #consumers: QueueConsumers<Queue>;
  readonly #timers: QueueTimers;
  readonly #deliverer: Deliverer;
  readonly #deaths: Deaths;
  readonly #returned: ReturnedMessages;
  #settings: QueueSettings;

  constructor(declaration: QueueDeclaration, settings: QueueSettings, host: QueueHost) {
    this.name = declaration.name;
    this.vhost = declaration.vhost;
    this.type = declaration.type;
    this.durable = declaration.durable;
    this.autoDelete = declaration.autoDelete;
    this.owner = declaration.owner;
    this.arguments = declaration.arguments;
    this.serial = declaration.serial;
    this.singleActive = lookup(declaration.arguments, 'x-single-active-consumer')?.value === true;
    const maxPriority = lookup(declaration.arguments, 'x-max-priority')?.value;
    this.maxPriority = maxPriority === undefined ? undefined : Number(maxPriority);
    this.#host = host;
    this.#settings = settings;
    this.#backlog = new Backlog(this, host.clock, host.profile);
    this.#returned = new ReturnedMessages(this, this.#backlog, host.clock, host.profile);
    this.#consumers = new QueueConsumers<Queue>(this.type, this.singleActive, host.profile);
    this.#deliverer = new Deliverer(this, this.#backlog, this.#consumers);
    this.#deaths = new Deaths(this.type === 'quorum' && host.profile.quorumDropsGoFirst);
    this.#timers = new QueueTimers(host.clock, {
      headDue: () => this.#settle(),
      idle: () => host.queueExpired(this),
    });
    this.#watchIdle();
  }

  get settings(): QueueSettings {
    return this.#settings;
  }

  /** Messages that could be handed out now. */
  get readyCount(): number {
    return this.#backlog.length;
  }

  get readyBytes(): number {
    return this.#backlog.bytes;
  }

  /** About how many bytes of memory its messages take, those handed out included. */
  get weight(): number {
    return this.#backlog.weight + this.#unackedWeight + this.#returned.weight;
  }

  get consumerCount(): number {
    return this.#consumers.size;
  }

  /** Consumers as queue.declare-ok counts them: quorum queues count whoever holds a message, and only the active one. */
  get reportedConsumers(): number {
    return this.#consumers.reported(this.unackedCount);
  }

  get consumers(): Iterable<QueueConsumer> {
    return this.#consumers;
  }

  /** The one consumer served on a single-active-consumer queue. */
  get activeConsumer(): QueueConsumer | undefined {
    return this.#consumers.active;
  }

  /** The ready messages in the order in which they would be handed out (by level where there are priorities). */
  get readyMessages(): Iterable<Message> {
    return this.#backlog;
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
    this.#backlog.enforceLimits();
    this.#settle();
  }

  /** Notes a use that keeps the queue from expiring: declare, also passive, and get. */
  touch(): void {
    this.#timers.touch();
    this.#watchIdle();
  }

  /**
   * Takes a new message.
   *
   * @param ttlMs the message's own time to live
   * @returns `false` when the queue is full and refuses
   */
  publish(message: Message, ttlMs: number | undefined): boolean {
    const backlog = this.#backlog;
    if (backlog.refuses(message)) {
      if (this.#settings.overflow === 'reject-publish-dlx') this.died(message, 'maxlen');
      this.#bury();
      return false;
    }
    const failedBefore = message.extra?.deliveryCount !== undefined && countsFailures(this.type, this.#host.profile);
    if (failedBefore && this.type === 'quorum') message.redelivered = true;
    backlog.admit(message, ttlMs);
    if (this.duplicates) {
      backlog.pushTwice(message);
    } else if (backlog.length > 0 || !this.#deliverer.deliverDirectly(message)) {
      // A classic queue forgets what it does not have to store.
      if (failedBefore) message.redelivered = true;
      backlog.push(message);
    }
    // What a quorum queue takes in expires a moment later, and falls to the limits before.
    if (backlog.length > 0) this.#settle(this.type === 'quorum');
    else this.#bury();
    return true;
  }

  /**
   * Hands out the next message for basic.get; `undefined` when there is none.
   *
   * @param count told how many are ready behind it
   */
  get(noAck: boolean, count: (left: number) => void = () => {}): Message | undefined {
    this.touch();
    const backlog = this.#backlog;
    backlog.expireHeads();
    const message = backlog.shift();
    if (message !== undefined && !noAck) this.handedOut(message);
    // What stood behind it may have expired long ago; a quorum queue counts it as long as the one taken is not settled.
    const countsExpired = this.type === 'quorum' && !noAck;
    if (countsExpired) count(backlog.length);
    backlog.expireHeads();
    if (!countsExpired) count(backlog.length);
    this.#watchHead();
    this.#bury();
    return message;
  }

  /** A message handed out was acknowledged. */
  ack(message: Message): void {
    this.unackedCount--;
    this.#unackedWeight -= message.weight;
  }

  /**
   * Messages handed out were refused for good: they are dead-lettered, or dropped.
   *
   * @param wake lets those go on who waited for the room; they are served before the dead letters arrive anywhere
   */
  discard(messages: readonly Message[], kind: ReturnKind, wake: () => void = () => {}): void {
    this.#noLongerOut(messages);
    if (!this.deleted) for (const message of messages) this.#returned.discard(message, kind);
    wake();
    this.#bury();
  }

  /**
   * Messages handed out come back.
   *
   * @param messages in the order in which they were handed out
   */
  requeue(messages: readonly Message[], kind: ReturnKind): void {
    this.#noLongerOut(messages);
    if (!this.deleted) this.#takeBack(messages, kind);
  }

  /** Removes all ready messages and says how many. */
  purge(): number {
    const count = this.#backlog.length;
    this.#backlog.clear();
    this.#watchHead();
    return count;
  }

  /**
   * Adds a consumer. Nothing is delivered before {@link startDelivering}, so that the answer to basic.consume goes first.
   *
   * @throws {AmqpError} 403 when an exclusive consumer is in the way
   */
  consume(properties: ConsumerProperties<Queue>): QueueConsumer {
    if (this.#consumers.excludes(properties)) throw channelError(403, `${this.description} in exclusive use`);
    const consumer = new Consumer(properties);
    this.#consumers.add(consumer);
    this.#watchIdle();
    return consumer;
  }

  /** Delivers what can be delivered. */
  startDelivering(): void {
    this.#settle();
  }

  /** Takes a consumer away; its unacknowledged messages stay with its channel. */
  cancel(consumer: QueueConsumer): void {
    this.#consumers.remove(consumer);
    if (this.deleted) return;
    if (this.#consumers.size === 0) {
      if (this.autoDelete) {
        this.#host.queueExpired(this);
        return;
      }
      this.touch();
    }
    this.#settle();
  }

  /**
   * A receiver is gone: its consumers leave and what it held comes back, before anyone else is served.
   *
   * @param consumers of the receiver, also those of other queues
   * @param messages in the order in which the queue takes them back
   */
  abandon(consumers: readonly QueueConsumer[], messages: readonly Message[]): void {
    this.#noLongerOut(messages);
    this.detach(consumers);
    if (!this.deleted) this.#takeBack(messages, 'gone');
  }

  /** Takes consumers away without serving others yet; those of other queues are left alone. */
  detach(consumers: readonly QueueConsumer[]): void {
    const own = consumers.filter(({ queue }) => queue === this);
    for (const consumer of own) this.#consumers.remove(consumer);
    if (this.deleted || own.length === 0 || this.#consumers.size > 0) return;
    if (this.autoDelete) this.#host.queueExpired(this);
    else this.touch();
  }

  /** A consumer may have room again: it gets what waits for it. */
  wake(consumer: QueueConsumer): void {
    if (this.rejoin(consumer) && this.#backlog.length > 0) this.#settle();
  }

  /** {@link rejoin} for all consumers of one owner, in the order in which they ran out of room. */
  rejoinAll(owner: QueueConsumerOwner): boolean {
    return this.#consumers.rejoinAll(owner);
  }

  /** Lets a consumer with room stand in line again, without delivering yet; `true` when deliveries may follow. */
  rejoin(consumer: QueueConsumer): boolean {
    return this.#consumers.rejoin(consumer);
  }

  /** Ends the queue: timers stop, messages go. Returns the consumers, which are still to be told. */
  end(): readonly QueueConsumer[] {
    this.deleted = true;
    this.#timers.stop();
    const consumers = [...this.#consumers];
    this.#consumers.clear();
    this.#backlog.clear();
    this.#returned.clear();
    return consumers;
  }

  /** Drops what a restart of the node would lose: on classic queues, messages that are not persistent. */
  dropTransient(): void {
    if (this.type !== 'classic') return;
    this.#backlog.dropTransient();
    this.#settle();
  }

  /** What is sent for a message: its own bytes, with the counting headers of quorum queues where they apply. */
  contentOf(message: Message, isGet: boolean): WireContent {
    return this.type === 'classic' ? message : contentWithCounts(message, isGet, this.#host.profile);
  }

  /** A message was handed out that will be settled. */
  handedOut(message: Message): void {
    this.unackedCount++;
    this.#unackedWeight += message.weight;
  }

  /** A message fell victim to a limit or to its age, or was refused for good. */
  died(message: Message, reason: DeathReason): void {
    this.#deaths.add(message, reason);
  }

  /**
   * Delivers as long as there are messages and consumers with room, then looks after expiry and dead letters.
   *
   * @param keepsHeads what expires now is offered to consumers once more
   */
  #settle(keepsHeads = false): void {
    if (this.#deliverer.busy || this.deleted) return;
    const backlog = this.#backlog;
    this.#deliverer.deliver(keepsHeads);
    backlog.enforceLimits();
    this.#report();
    backlog.expireHeads();
    this.#watchHead();
    this.#bury();
  }

  #noLongerOut(messages: readonly Message[]): void {
    for (const message of messages) this.ack(message);
  }

  #takeBack(messages: readonly Message[], kind: ReturnKind): void {
    this.#returned.putBack(messages, kind);
    // A quorum queue looks for a consumer before it looks at its limits.
    if (this.type === 'classic') this.#backlog.enforceLimits();
    this.#settle();
  }

  /** Tells the host who died. */
  #report(): void {
    for (const { message, reason } of this.#deaths.take()) this.#host.deadLetter(this, message, reason);
  }

  #bury(): void {
    this.#report();
    this.#host.settleDeadLetters();
  }

  #watchHead(): void {
    this.#timers.watchHead(this.#backlog.nextExpiry);
  }

  #watchIdle(): void {
    const inUse = this.deleted || this.#consumers.size > 0;
    this.#timers.watchIdle(inUse ? undefined : this.#settings.expiresMs);
  }
}
