import type { Problems } from '../errors/configuration-error.js';
import type { OptionsOf, ReadOptions } from '../options/option.js';
import {
  durationOption,
  flagOption,
  functionOption,
  groupOption,
  numberOption,
  wholeNumberOption,
} from '../options/option-kinds.js';
import type { Duration } from '../time/duration.js';
import type { RetryPolicy } from './failure-policy.js';

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
  /** Decides whether an error is worth another attempt. Default: every error that is not the message's own fault. */
  readonly retryable?: (error: unknown) => boolean;
  /**
   * `true` (default): the delivery is held and tried again in this process. `false`: each attempt is a redelivery by
   * the broker, recognised by its message id.
   */
  readonly stateless?: boolean;
}

/** The table of {@link RetryOptions}. */
const RETRY_OPTIONS = {
  maxAttempts: wholeNumberOption({
    from: 1,
    or: 3,
    counts: 'all calls of the handler',
    text: "calls of the handler in all, the first included (as in Spring Boot 3; Boot 4's `max-retries: 2` is `maxAttempts: 3`)",
  }),
  initialInterval: durationOption({ or: '1s', zero: true, text: 'wait before the second attempt' }),
  multiplier: numberOption({ from: 1, or: 1, text: 'growth from wait to wait' }),
  maxInterval: durationOption({
    zero: true,
    byDefault: '10 s (or `initialInterval`, if that is longer)',
    text: 'the longest wait',
  }),
  jitter: numberOption({
    from: 0,
    to: 1,
    or: 0,
    text: 'up to this share of the wait is added at random; a wait only ever gets longer',
  }),
  retryable: functionOption<(error: unknown) => boolean>({
    takes: 'of the error',
    or: () => true,
    byDefault: 'every error',
    text: 'a function of the error: `false` sends the message to the recoverer at once; so does one that throws, and both errors are reported (`retryable-failed`)',
  }),
  stateless: flagOption({ or: true, text: '`false`: see below' }),
} satisfies OptionsOf<RetryOptions>;

/** The option `retry`: `true` takes every default. What is read is `undefined` where nothing is retried. */
export const RETRY_OPTION = groupOption<RetryOptions | boolean, typeof RETRY_OPTIONS, RetryPolicy>(RETRY_OPTIONS, {
  flag: true,
  byDefault: 'no retry',
  text: '`true`, or the options in [retry](retry.md)',
  make: retryPolicy,
});

const USUAL_LONGEST_MS = 10_000;

function retryPolicy(read: ReadOptions<typeof RETRY_OPTIONS>, place: string, problems: Problems): RetryPolicy {
  const { maxAttempts, stateless, retryable, initialIntervalMs, multiplier, jitter } = read;
  if (read.maxIntervalMs !== undefined && read.maxIntervalMs < initialIntervalMs) {
    problems.add(
      `${place}.maxInterval (${read.maxIntervalMs} ms) must not be shorter than ${place}.initialInterval (${initialIntervalMs} ms)`,
    );
  }
  // An initial interval above the default maximum means that the user wants that interval, not ten seconds.
  const maxIntervalMs = read.maxIntervalMs ?? Math.max(USUAL_LONGEST_MS, initialIntervalMs);
  const backoff = { initialIntervalMs, multiplier, maxIntervalMs, jitter };
  return Object.freeze({ maxAttempts, backoff, stateless, retryable });
}
