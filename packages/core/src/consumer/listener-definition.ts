import type { Handler, HandlerRoute } from '../handler/handler.js';
import type { KeyPolicy } from '../idempotency/decide-key.js';
import type { IdempotencyGuard } from '../idempotency/idempotency-guard.js';
import type { Recoverer } from '../recoverer/recoverer.js';
import type { FailurePolicy } from '../retry/failure-policy.js';
import type { QueueDeclaration } from '../topology/topology.js';
import type { IsReplyAllowed } from './reply-addresses.js';
import type { StreamOffsetStore } from './stream-offset-store.js';

/** How one handler takes effect once for each message. */
export interface HandlerIdempotency {
  /**
   * Whose keys these are: the listener's id, or its id and the method where several handlers share it, for an order
   * that was paid may be refunded too.
   */
  readonly scope: string;
  readonly guard: IdempotencyGuard;
  readonly policy: KeyPolicy;
}

/** A listener, resolved and checked: all that consuming needs, frozen. Nothing later reads raw options. */
export interface ListenerDefinition {
  readonly id: string;
  readonly queue: string;
  /** The declaration of its queue when the application declares it. */
  readonly queueDeclaration: QueueDeclaration | undefined;
  /** Consumers, each with a channel of its own, each handling one delivery at a time. From 1. */
  readonly concurrency: number;
  /** Unsettled deliveries per consumer; 0 = no limit. */
  readonly prefetch: number;
  /** How many finished deliveries of a consumer may wait for their ack to leave. From 1. */
  readonly messagesPerAck: number;
  /** The order of the queue is kept also when another consumer takes over. */
  readonly ordered: boolean;
  readonly exclusive: boolean;
  readonly priority: number | undefined;
  readonly consumerArguments: Readonly<Record<string, unknown>>;
  /** Remembers the place in a stream. */
  readonly streamOffsets?: StreamOffsetStore | undefined;
  readonly autoStart: boolean;
  readonly missingQueue: 'fail' | 'wait';
  /** How long one attempt may take, in milliseconds; `undefined` = no limit. */
  readonly timeoutMs: number | undefined;
  /** How long the broker waits for a settlement before it takes a delivery back; infinite where it never does. */
  readonly consumerTimeoutMs: number;
  readonly failurePolicy: FailurePolicy;
  readonly recoverer: Recoverer;
  readonly handler: Handler;
  /** For the handlers that are guarded. Not together with the acknowledge mode `none`. */
  readonly idempotency?: ReadonlyMap<HandlerRoute, HandlerIdempotency> | undefined;
  /** Errors travel back to a requester that asked for a reply. */
  readonly returnExceptions: boolean;
  /** Whether a request may ask for its reply at an address. */
  readonly isReplyAllowed: IsReplyAllowed;
}
