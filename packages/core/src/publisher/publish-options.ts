import type { MessageHeaders } from '../message/message.js';
import type { Duration } from '../time/duration.js';

/** What can be said about one message besides its payload. What is left out comes from the publisher's `defaults`. */
export interface PublishOptions {
  /** Id of the message, kept over every retry. Default: a random UUID, unless `createMessageIds` is off. */
  readonly messageId?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Queue that a reply is wanted on. */
  readonly replyTo?: string | undefined;
  /** MIME type the payload is written as. Default: what the converter makes of the payload. */
  readonly contentType?: string | undefined;
  /** Charset or compression of the body. Default: what the converter used. */
  readonly contentEncoding?: string | undefined;
  /** Kind of the message, for consumers that choose a handler by it. */
  readonly type?: string | undefined;
  readonly appId?: string | undefined;
  /** Must be the user of the connection: the broker refuses the message otherwise. */
  readonly userId?: string | undefined;
  /** When the message was made: a date, or whole seconds since the epoch. */
  readonly timestamp?: Date | number | undefined;
  /** Time to live in the queues, such as `'30s'`; at its end the message is dropped or dead-lettered. */
  readonly expiration?: Duration | undefined;
  /** 0 to 255; only priority queues look at it. */
  readonly priority?: number | undefined;
  /** Whether durable queues keep the message over a restart of the broker. */
  readonly persistent?: boolean | undefined;
  readonly headers?: MessageHeaders | undefined;
  /** Further routing keys that the exchange routes by; consumers see them in the header `CC`. */
  readonly cc?: string | readonly string[] | undefined;
  /** Further routing keys that consumers do not see. */
  readonly bcc?: string | readonly string[] | undefined;
  /** Fail when no queue is bound for the message. Default: the publisher's `returns`. */
  readonly mandatory?: boolean | undefined;
  /**
   * How long the message waits at the broker before it is routed, such as `'15m'`; up to 8.5 years. In whole seconds, rounded up;
   * above 68 minutes up to 0.05 % longer. 0 is at once. The confirm says that it waits there safely.
   */
  readonly delay?: Duration | undefined;
  /** When it is routed, instead of `delay`: a date up to 8.5 years ahead; one that is past is now. */
  readonly deliverAt?: Date | undefined;
}

/** Options that may be set once for all messages of a publisher. */
export type PublishDefaults = Omit<PublishOptions, 'messageId' | 'correlationId' | 'delay' | 'deliverAt'>;

/** The broker has the message. */
export interface PublishReceipt {
  readonly messageId: string | undefined;
  /** `false` only with `confirms: 'none'`: written to the connection, and nothing more is known. */
  readonly confirmed: boolean;
  /** Milliseconds from the last time it was written to its confirm. */
  readonly confirmMs: number;
  /** 1 when the first attempt succeeded. */
  readonly attempts: number;
}
