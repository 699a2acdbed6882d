import type { Duration } from '../time/duration.js';

/**
 * Redelivery of what has failed: after the attempts of a delivery the message waits at the broker, its delivery settled, and comes
 * back to this queue alone, for its attempts once more. After the last, the recoverer.
 */
export type RedeliverOptions = RedeliverCommon & (RedeliverDelays | RedeliverGrowth);

/** The waits, one for each redelivery. */
export interface RedeliverDelays {
  /** Such as `['10s', '1m', '10m']`: three redeliveries. At most 32 different ones. */
  readonly delays: readonly Duration[];
}

/** The waits, by the rule of retries. */
export interface RedeliverGrowth {
  /** Wait before the first redelivery. Default 10 s. */
  readonly initialInterval?: Duration;
  /** Growth of the wait from one to the next. From 1; default 1. */
  readonly multiplier?: number;
  /** Longest wait. Default 1 h, or `initialInterval` if that is longer. */
  readonly maxInterval?: Duration;
  /** Deliveries in all, the first included, from 2. Default 4: three redeliveries. */
  readonly maxAttempts?: number;
}

/** What both forms have in common. */
export interface RedeliverCommon {
  /**
   * Up to this share of the wait is added at random, 0 to 1: in the half or the whole of it, so that there is a queue for each.
   * Default 0.
   */
  readonly jitter?: number;
  /**
   * Let the queue itself hold back what failed, where the broker can: quorum queues of RabbitMQ from 4.3 on that the application
   * declares, and delays that grow evenly (10, 20, 30 s) or not at all. Such a queue is declared with `x-delayed-retry-…`, which
   * cannot be changed later. Default `true`; `false`: messages always wait as copies.
   */
  readonly native?: boolean;
  /**
   * How long the service that failed wants to be left alone, such as `(error) => retryAfterHeader(error.response?.headers['retry-after'])`:
   * a duration or a date, as of {@link RetryAfter}; nothing for any other error.
   */
  readonly retryAfter?: (error: unknown) => Duration | Date | undefined;
}
