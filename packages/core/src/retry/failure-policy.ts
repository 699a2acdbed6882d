import type { BackoffPolicy } from '../time/backoff.js';
import type { Duration } from '../time/duration.js';

/** Who settles deliveries: leveret after the handler, the handler itself, or nobody (the broker forgets on sending). */
export type AcknowledgeMode = 'auto' | 'manual' | 'none';

/** What to do about failures of a listener, resolved from its options. */
export interface FailurePolicy {
  readonly acknowledge: AcknowledgeMode;
  /** Without retry: put a failed delivery back (`true`) or reject it (`false`). */
  readonly defaultRequeueRejected: boolean;
  /** What happens to messages that cannot be read, converted or validated. */
  readonly invalid: 'reject' | 'recover';
  /** `undefined` = no retry. */
  readonly retry: RetryPolicy | undefined;
  /** `undefined` = no redelivery. */
  readonly redeliver?: RedeliverPolicy | undefined;
}

/** Redelivery, resolved. */
export interface RedeliverPolicy {
  /** The wait before each redelivery, in milliseconds, from 1: as many as there are redeliveries. */
  readonly delaysMs: readonly number[];
  /** Share of the wait (0 to 1) that may be added. */
  readonly jitter: number;
  /** A queue that can hold back failed messages by itself may do so. */
  readonly native: boolean;
  readonly retryAfter?: ((error: unknown) => Duration | Date | undefined) | undefined;
}

/** Retry, resolved. */
export interface RetryPolicy {
  /** Calls of the handler in all, from 1. */
  readonly maxAttempts: number;
  readonly backoff: BackoffPolicy;
  readonly stateless: boolean;
  readonly retryable: (error: unknown) => boolean;
}
