import type { Redact } from '../errors/redact.js';
import type { Message, Publication } from '../message/message.js';
import type { Topology } from '../topology/topology.js';

/** Why a recoverer is asked. */
export type RecoveryReason =
  /** Every attempt failed. */
  | 'exhausted'
  /** `retryable(error)` said that another attempt is of no use. */
  | 'not-retryable'
  /** The message could not be read or is invalid, and the listener says `invalid: 'recover'`. */
  | 'invalid'
  /** The process ended again and again while it was handled (`crashLoop`). */
  | 'crash-loop';

/** A message that failed for good, and all that is known about it. */
export interface FailedDelivery {
  readonly message: Message;
  /** What the last attempt threw. */
  readonly error: unknown;
  readonly reason: RecoveryReason;
  readonly listenerId: string;
  readonly queue: string;
  /** Name of the application, when it has one. */
  readonly service?: string | undefined;
  /** Calls of the handler in all, 0 when it was never called. */
  readonly attempts: number;
  /** How often the message had waited at the broker. Default 0. */
  readonly redeliveries?: number;
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number;
  readonly lastFailedAt: number;
  /** Takes out of a text what nobody may read: for every text of the error that leaves the process. */
  readonly redact?: Redact;
  /** Publishes confirmed, on the application's publish connection. */
  readonly publisher: ConfirmedSender;
}

/** The one way to publish, as recoverers and replies need it. */
export interface ConfirmedSender {
  /**
   * Publishes and waits for the confirm.
   * @throws {PublishError} when it was nacked, returned, or when its fate is unknown
   */
  send(publication: Publication): Promise<unknown>;
  /** Largest frame of the connection in bytes: headers must fit in one. */
  readonly frameMax: number;
}

/** The same, with a way for replies: who asks chooses where they go, so that they must not hold up anything else. */
export interface ReplySender extends ConfirmedSender {
  /**
   * Publishes a reply and waits for the confirm.
   * @throws {PublishError} as {@link ConfirmedSender.send}
   */
  reply(publication: Publication): Promise<unknown>;
}

/** What becomes of the original delivery after recovery. */
export type RecoveryOutcome = 'ack' | 'requeue' | 'reject';

/** Takes a message that failed for good. Returning nothing means that it is safe elsewhere: the delivery is acknowledged. */
export type RecovererFunction = (
  failure: FailedDelivery,
  // biome-ignore lint/suspicious/noConfusingVoidType: a recoverer that returns nothing is the common case
) => RecoveryOutcome | void | Promise<RecoveryOutcome | void>;

/** A recoverer as an object or injectable class. */
export interface Recoverer {
  recover: RecovererFunction;
  /** What it wants declared, such as its error exchange and queue. */
  readonly topology?: Topology;
  /** Exchange that it publishes to, so that the start can warn when nobody declares it. */
  readonly exchange?: string;
  /** Faults of its own options, reported at start with all others. */
  readonly problems?: readonly string[];
}
