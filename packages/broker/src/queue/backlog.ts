import type { Clock } from '../clock/virtual-clock.js';
import type { VersionProfile } from '../version/version-profile.js';
import type { DeathReason, Message } from './message.js';
import type { QueueType } from './queue-arguments.js';
import type { QueueSettings } from './queue-settings.js';
import { type ReadyMessages, readyMessagesFor } from './ready-messages.js';

/** What a backlog needs from its queue. */
export interface BacklogHost {
  readonly type: QueueType;
  readonly maxPriority: number | undefined;
  readonly settings: QueueSettings;
  /** Takes a message that fell victim to a limit, or to its age. */
  died(message: Message, reason: DeathReason): void;
}

/**
 * The ready messages of one queue under its limits: a full queue refuses new ones or drops its head, and what has expired
 * leaves. It delivers nothing.
 */
export class Backlog {
  readonly #host: BacklogHost;
  readonly #clock: Clock;
  readonly #ready: ReadyMessages;
  #position = 0;
  /** What the ready messages weigh. */
  #weight = 0;

  constructor(host: BacklogHost, clock: Clock, profile: VersionProfile) {
    this.#host = host;
    this.#clock = clock;
    this.#ready = readyMessagesFor(host.type, host.maxPriority, profile);
  }

  get length(): number {
    return this.#ready.length;
  }

  /** Sum of the sizes, as the limits of this kind of queue count them. */
  get bytes(): number {
    return this.#ready.bytes;
  }

  /** About how many bytes of memory the ready messages take. */
  get weight(): number {
    return this.#weight;
  }

  /** Clock time at which the next message expires; -1 when none does. */
  get nextExpiry(): number {
    return this.#ready.nextExpiry;
  }

  /** In the order in which they would be handed out (by level where there are priorities). */
  [Symbol.iterator](): Iterator<Message> {
    return this.#ready[Symbol.iterator]();
  }

  /** Whether the queue is full and refuses this message. */
  refuses(message: Message): boolean {
    const { overflow, maxLength, maxLengthBytes } = this.#host.settings;
    if (overflow === 'drop-head' || (maxLength === undefined && maxLengthBytes === undefined)) return false;
    const { length, bytes } = this.#ready;
    if (this.#host.type === 'quorum') return length > (maxLength ?? length) || bytes > (maxLengthBytes ?? bytes);
    return length + 1 > (maxLength ?? length + 1) || bytes + message.bodySize > (maxLengthBytes ?? Infinity);
  }

  /**
   * Gives a new message its place and the time at which it expires; it is not added yet.
   *
   * @param ttlMs the message's own time to live; the queue's holds too
   */
  admit(message: Message, ttlMs: number | undefined): void {
    message.position = ++this.#position;
    const expiryMs = smaller(ttlMs, this.#host.settings.messageTtlMs);
    if (expiryMs !== undefined) message.expiresAt = this.#clock.now() + expiryMs;
  }

  /** Adds an admitted message. The limit of a classic queue holds before anything expires. */
  push(message: Message): void {
    this.#add(message);
    if (this.#host.type === 'classic') this.enforceLimits();
  }

  /** Adds an admitted message, and a copy of it that passes for redelivered. */
  pushTwice(message: Message): void {
    this.#add(message);
    const again = message.copy();
    again.redelivered = true;
    again.expiresAt = message.expiresAt;
    again.position = ++this.#position;
    this.#add(again);
  }

  /** Takes the next message. */
  shift(): Message | undefined {
    const message = this.#ready.shift();
    if (message !== undefined) this.#weight -= message.weight;
    return message;
  }

  /** Puts a message back that was handed out, at the place its kind of queue has for it. */
  putBack(message: Message): void {
    this.#weight += message.weight;
    this.#ready.putBack(message);
  }

  /** Puts a message that was handed out behind all others. */
  putAtEnd(message: Message): void {
    message.position = ++this.#position;
    this.#add(message);
  }

  clear(): void {
    this.#ready.clear();
    this.#weight = 0;
  }

  /** Keeps only persistent messages. */
  dropTransient(): void {
    const kept = [...this.#ready].filter((message) => message.persistent);
    this.clear();
    for (const message of kept) this.#add(message);
  }

  /** Drops messages from the head until the limits hold. */
  enforceLimits(): void {
    const { overflow, maxLength, maxLengthBytes } = this.#host.settings;
    if (overflow !== 'drop-head' || (maxLength === undefined && maxLengthBytes === undefined)) return;
    const ready = this.#ready;
    while (ready.length > 0 && (ready.length > (maxLength ?? Infinity) || ready.bytes > (maxLengthBytes ?? Infinity))) {
      const dropped = this.shift();
      if (dropped !== undefined) this.#host.died(dropped, 'maxlen');
    }
  }

  /**
   * Messages expire at the head only: one behind a longer-lived head stays until that one has gone, also behind a head of
   * higher priority. On quorum queues of 4.3 each level of priority has a head of its own.
   */
  expireHeads(): void {
    if (this.#ready.nextExpiry < 0) return;
    for (const dead of this.#ready.takeExpired(this.#clock.now())) {
      this.#weight -= dead.weight;
      this.#host.died(dead, 'expired');
    }
  }

  #add(message: Message): void {
    this.#weight += message.weight;
    this.#ready.push(message);
  }
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
