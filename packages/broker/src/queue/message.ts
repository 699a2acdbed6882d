import type { WireContent } from '../wire/frame-writer.js';

/** Why a message was dead-lettered. */
export type DeathReason = 'rejected' | 'expired' | 'maxlen' | 'delivery_limit';

/** The broker's own record of deaths for one queue and reason (from 4.0 on). */
export interface Death {
  readonly queue: string;
  readonly reason: DeathReason;
  readonly count: number;
  readonly timeSeconds: number;
  readonly exchange: string;
  readonly routingKeys: readonly string[];
  readonly originalExpiration: string | undefined;
}

/** What only some messages have. */
export interface MessageExtra {
  /** Keys of the CC header; routed by, and named in `x-death`. */
  cc?: readonly string[];
  /** Keys of the stripped BCC header. */
  bcc?: readonly string[];
  /** Deaths, the newest first. */
  deaths?: readonly Death[];
  firstDeath?: Death;
  /** Failed deliveries. From 4.0 on they go along when the message is dead-lettered. */
  deliveryCount?: number;
  /** Size of the properties without the headers of its deaths, which are not stored (quorum queues, 4.3). */
  storedPropertiesBytes?: number;
  /** Times handed to a consumer of this queue and given back. */
  acquiredCount?: number;
}

const REDELIVERED = 1;
const PERSISTENT = 2;
const HAS_PRIORITY = 4;
const PRIORITY_SHIFT = 8;
/** The object itself, and its place in a queue. */
const OWN_WEIGHT = 200;

/**
 * A message in one queue. Properties and body are the bytes the client sent, shared by all queues that hold the message;
 * only this small object is per queue.
 */
export class Message implements WireContent {
  /** The next message of the list this one stands in. */
  next: Message | undefined = undefined;
  /** Position in the queue: a requeued message goes back there. */
  position = 0;
  /** Clock time at which it expires; -1 for never. */
  expiresAt = -1;
  extra: MessageExtra | undefined = undefined;
  #flags = 0;

  constructor(
    /** The exchange it was published to, as delivered. */
    readonly exchange: string,
    /** The routing key it was published with, as delivered. */
    readonly routingKey: string,
    readonly bytes: Buffer,
    readonly propertiesStart: number,
    readonly propertiesEnd: number,
    readonly bodyBytes: Buffer,
    readonly bodyStart: number,
    readonly bodyEnd: number,
  ) {}

  get redelivered(): boolean {
    return (this.#flags & REDELIVERED) !== 0;
  }

  set redelivered(value: boolean) {
    this.#flags = value ? this.#flags | REDELIVERED : this.#flags & ~REDELIVERED;
  }

  get persistent(): boolean {
    return (this.#flags & PERSISTENT) !== 0;
  }

  /** 0 to 255; 0 when none was given. */
  get priority(): number {
    return this.#flags >> PRIORITY_SHIFT;
  }

  /** Whether a priority was given at all. */
  get hasPriority(): boolean {
    return (this.#flags & HAS_PRIORITY) !== 0;
  }

  get bodySize(): number {
    return this.bodyEnd - this.bodyStart;
  }

  /** About how many bytes of memory it takes, those shared with other queues included. */
  get weight(): number {
    return this.bodyEnd - this.bodyStart + this.propertiesEnd - this.propertiesStart + OWN_WEIGHT;
  }

  /** Sets what was read from the properties; a priority of -1 means that none was given. */
  describe(persistent: boolean, priority: number): void {
    const level = priority < 0 ? 0 : (priority << PRIORITY_SHIFT) | HAS_PRIORITY;
    this.#flags = (this.#flags & REDELIVERED) | (persistent ? PERSISTENT : 0) | level;
  }

  /** The same message for another queue. */
  copy(): Message {
    const copy = new Message(
      this.exchange,
      this.routingKey,
      this.bytes,
      this.propertiesStart,
      this.propertiesEnd,
      this.bodyBytes,
      this.bodyStart,
      this.bodyEnd,
    );
    copy.#flags = this.#flags;
    if (this.extra !== undefined) copy.extra = { ...this.extra };
    return copy;
  }

  /** The same body under another exchange, routing key or with rewritten properties. */
  derive(exchange: string, routingKey: string, properties: Buffer): Message {
    const { bodyBytes, bodyStart, bodyEnd } = this;
    const derived = new Message(exchange, routingKey, properties, 0, properties.length, bodyBytes, bodyStart, bodyEnd);
    derived.#flags = this.#flags;
    return derived;
  }
}
