import type { Message } from '../message/message.js';

/** Facts that every event of a delivery carries. */
interface DeliveryFacts {
  readonly listenerId: string;
  readonly queue: string;
  readonly message: Message;
}

/**
 * What happened to a delivery on its way; one delivery raises several. The last one says how it ended: `handled`,
 * `acknowledged`, `duplicate`, `redelivery`, `recovered`, `requeued`, `rejected`, `dropped`, `given-back`, `skipped`, `channel-gone`, `taken-back`,
 * `abandoned`,
 * `settle-conflict` or `left-unsettled`. After `recovered`, `requeued`, `rejected` or `dropped` says what the recoverer
 * answered, unless that was an ack.
 */
export type DeliveryEvent = DeliveryFacts &
  (
    | { readonly type: 'received' }
    /** The handler returned and the delivery was acknowledged. */
    | { readonly type: 'handled'; readonly durationMs: number; readonly attempts: number }
    /** One attempt failed. */
    | { readonly type: 'failed'; readonly error: unknown; readonly attempt: number }
    /**
     * Another attempt follows after a wait, in this process: after the failure, or with stateful retry when the message
     * has come again. `attempt` is the one that failed.
     */
    | { readonly type: 'retried'; readonly error: unknown; readonly attempt: number; readonly delayMs: number }
    /**
     * It waits at the broker, its delivery settled, and comes back to its queue: `native` in the queue itself, else as a copy.
     * `redeliveries`: how often it will have waited then.
     */
    | {
        readonly type: 'redelivery';
        readonly error: unknown;
        readonly delayMs: number;
        readonly redeliveries: number;
        readonly way: 'native' | 'ladder' | 'levels';
      }
    /** It could not be sent to where it waits; the delivery is requeued after a pause. */
    | { readonly type: 'redelivery-failed'; readonly error: unknown }
    /** The message could not be read, converted or validated, or nobody handles its type. */
    | { readonly type: 'invalid'; readonly error: unknown }
    /** The recoverer took it. */
    | { readonly type: 'recovered'; readonly error: unknown; readonly reason: string; readonly outcome: string }
    /** The recoverer failed; the delivery is requeued after a pause. */
    | { readonly type: 'recoverer-failed'; readonly error: unknown }
    /** Acknowledged although it failed: the handler asked for it, or the error went to the requester. */
    | { readonly type: 'acknowledged'; readonly error: unknown }
    | { readonly type: 'requeued'; readonly error: unknown; readonly reason: string }
    /** `kept`: whether a dead letter exchange takes it. It is `unknown` of a queue that was there before, or that others declare. */
    | { readonly type: 'rejected'; readonly error: unknown; readonly reason: string; readonly kept: 'yes' | 'unknown' }
    /** Rejected on a stream, which keeps it all the same: it is passed over. */
    | { readonly type: 'skipped'; readonly error: unknown; readonly reason: string }
    /** Gone for good: rejected from a queue without a dead letter exchange, or failed in `none` mode. */
    | { readonly type: 'dropped'; readonly error: unknown; readonly reason: string }
    /** Given back to the broker without fault: another may handle it. `asked`: by a handler of manual mode that failed then. */
    | {
        readonly type: 'given-back';
        readonly reason:
          | 'stopping'
          | 'paused'
          | 'outage'
          | 'suspect'
          | 'waited-too-long'
          | 'in-progress'
          | 'idempotency-failed'
          | 'asked';
      }
    /** The listener is paused, and keeps it here unsettled until it goes on: giving it back would cost it a delivery. */
    | { readonly type: 'put-off' }
    /** Its listener may begin no further message for `delayMs`. Raised once for each that has to wait. */
    | { readonly type: 'throttled'; readonly delayMs: number }
    /** The process ended `crashes` times while it was handled: it goes to the quarantine instead. */
    | { readonly type: 'crash-loop'; readonly crashes: number; readonly error: unknown }
    /** Nobody can tell whether the process ended while it was handled: it is held, and the store is asked again. */
    | { readonly type: 'crash-loop-unknown'; readonly error: unknown }
    /**
     * It was handled before: the handler was not called, and the delivery was acknowledged. `key`: under which its guard knows it; its
     * message id when it was handled by this listener, and its channel was gone before it could be acknowledged.
     */
    | { readonly type: 'duplicate'; readonly key: string }
    /** Another is handling the message: the delivery is held. Raised once for each attempt that has to wait. */
    | { readonly type: 'in-progress'; readonly key: string; readonly retryAfterMs: number }
    /** The idempotency store failed: the delivery is held, and the store is asked again. */
    | { readonly type: 'idempotency-failed'; readonly key: string; readonly error: unknown }
    /** The handler returned, but another has the claim on the message by now: it may have taken effect twice. */
    | { readonly type: 'claim-lost'; readonly key: string }
    /** The handler returned, but its idempotency store did not take that: it is acknowledged, and remembered later if it can be. */
    | { readonly type: 'not-remembered'; readonly key: string; readonly error: unknown }
    /** Manual mode with a guard: a handler settled behind the failed result of its attempt, and was refused. */
    | { readonly type: 'settled-late'; readonly outcome: string }
    /** `retryable` threw about the error of an attempt, which then counts as not worth another. */
    | { readonly type: 'retryable-failed'; readonly error: unknown; readonly about: unknown }
    /** What becomes of the delivery could not be decided; it is requeued after a pause. */
    | { readonly type: 'undecided'; readonly error: unknown }
    /**
     * It was not settled within the broker's delivery acknowledgement timeout, and the broker took it back. The signal of
     * its handler fires, if one is at work; what waited for its turn is dropped here.
     */
    | { readonly type: 'taken-back' }
    /** The channel was gone before it could be settled: the broker delivers the message again. */
    | { readonly type: 'channel-gone' }
    /** Still running when the shutdown could wait no longer: the broker delivers the message again. */
    | { readonly type: 'abandoned' }
    /** A second, different settlement was refused. */
    | { readonly type: 'settle-conflict'; readonly error: unknown }
    /** Manual mode: the handler ended in failure without settling. It stays unacknowledged until the channel closes. */
    | { readonly type: 'left-unsettled'; readonly error: unknown }
    /** A reply could not be sent, as when the requester is gone. */
    | { readonly type: 'reply-dropped'; readonly error: unknown }
    /** The handler's value went to a requester. */
    | { readonly type: 'replied'; readonly exchange: string; readonly routingKey: string }
  );
