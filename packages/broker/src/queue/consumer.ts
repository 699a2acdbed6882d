import type { FieldTable } from '../wire/field-table.js';
import type { Message } from './message.js';

/** The side that receives for a consumer: a channel, or a test. */
export interface ConsumerOwner<Q = unknown> {
  /** `false` while the receiver cannot take bytes; only its own consumers wait. */
  readonly writable: boolean;
  /** Whether the limit shared by the consumers of this owner (global prefetch) has room. */
  readonly hasSharedCredit: boolean;
  /** Hands a message over. The owner settles it later through the queue, unless the consumer is `noAck`. */
  deliver(consumer: Consumer<Q>, message: Message): void;
  /** The queue is gone or took the consumer away. */
  cancelled(consumer: Consumer<Q>): void;
}

/** How a consumer was asked for. */
export interface ConsumerProperties<Q = unknown> {
  readonly tag: string;
  readonly queue: Q;
  readonly owner: ConsumerOwner<Q>;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  /** `x-priority`; higher ones are served first. */
  readonly priority: number;
  /** Most unacknowledged messages at a time; 0 for no limit. */
  readonly prefetch: number;
  readonly arguments: FieldTable;
}

/** A subscription to a queue, of which only its owner knows more than that it is one. */
export class Consumer<Q = unknown> {
  readonly tag: string;
  readonly queue: Q;
  readonly owner: ConsumerOwner<Q>;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly priority: number;
  readonly prefetch: number;
  readonly arguments: FieldTable;
  /** Messages handed over and not settled. */
  unacked = 0;
  /** Messages that the queue took back because they were not settled in time, and that are not settled yet. */
  late = 0;
  /** Order among the consumers of the queue. */
  serial = 0;
  /** Started under the same tag while this one, cancelled, still held messages (quorum queues). */
  successor: Consumer<Q> | undefined;

  constructor(properties: ConsumerProperties<Q>) {
    this.tag = properties.tag;
    this.queue = properties.queue;
    this.owner = properties.owner;
    this.noAck = properties.noAck;
    this.exclusive = properties.exclusive;
    this.priority = properties.priority;
    this.prefetch = properties.prefetch;
    this.arguments = properties.arguments;
  }

  /** Takes the place of a cancelled consumer, with the messages it holds. */
  succeed(earlier: Consumer): void {
    this.serial = earlier.serial;
    this.unacked = earlier.unacked;
    earlier.successor = this;
  }

  /** A message handed over was settled. */
  settled(): void {
    this.unacked--;
    this.successor?.settled();
  }

  /** Whether another message may be handed over now. */
  get canTake(): boolean {
    return this.owner.writable && this.hasCredit;
  }

  /** Whether the prefetch limits have room. The shared one also holds up those that acknowledge nothing. */
  get hasCredit(): boolean {
    if (this.late > 0 || !this.owner.hasSharedCredit) return false;
    return this.noAck || this.prefetch === 0 || this.unacked < this.prefetch;
  }
}
