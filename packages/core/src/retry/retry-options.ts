import type { Duration } from '../time/duration.js';

/** Retry of failed deliveries, as Spring Boot's `listener.simple.retry.*`. */
export interface RetryOptions {
  /** Calls of the handler in all, the first included (as in Spring Boot 3). From 1; default 3. */
  readonly maxAttempts?: number;
  /** Wait before the second attempt. Default 1 s. */
  readonly initialInterval?: Duration;
  /** Growth of the wait from attempt to attempt. From 1; default 1. */
  readonly multiplier?: number;
  /** Longest wait between two attempts, before jitter. Default 10 s. */
  readonly maxInterval?: Duration;
  /** Up to this share of the wait is added at random, 0 to 1. Default 0. */
  readonly jitter?: number;
  /**
   * `true` (default): the delivery is held and tried again in this process. `false`: each attempt is a redelivery by
   * the broker, recognised by its message id.
   */
  readonly stateless?: boolean;
  /** Decides whether an error is worth another attempt. Default: every error that is not the message's own fault. */
  readonly retryable?: (error: unknown) => boolean;
}
