import { checkFlag, checkKnown, checkWholeNumber } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import type { BackoffPolicy } from '../time/backoff.js';
import { checkDuration } from '../time/duration.js';
import type { RetryPolicy } from './failure-policy.js';
import type { RetryOptions } from './retry-options.js';

const KNOWN: readonly (keyof RetryOptions)[] = [
  'maxAttempts',
  'initialInterval',
  'multiplier',
  'maxInterval',
  'jitter',
  'stateless',
  'retryable',
];

/** Checks retry options and fills in the defaults: 3 attempts, 1 s, multiplier 1, at most 10 s, no jitter, stateless. */
export function resolveRetry(value: RetryOptions | boolean | undefined, problems: Problems): RetryPolicy | undefined {
  if (value === undefined || value === false) return undefined;
  const options = value === true ? {} : value;
  if (typeof options !== 'object' || options === null) {
    problems.add(`retry must be true, false or an object; got ${describeValue(value)}`);
    return undefined;
  }
  checkKnown(options, KNOWN, 'retry', problems);
  const { retryable = () => true } = options;
  if (typeof retryable !== 'function') {
    problems.add(`retry.retryable must be a function of the error; got ${describeValue(retryable)}`);
  }
  const attempts = { from: 1, to: Number.MAX_SAFE_INTEGER, or: 3 };
  return Object.freeze({
    maxAttempts: checkWholeNumber(
      options.maxAttempts,
      'retry.maxAttempts (all calls of the handler)',
      attempts,
      problems,
    ),
    backoff: resolveBackoff(options, problems),
    stateless: checkFlag(options.stateless, 'retry.stateless', true, problems),
    retryable,
  });
}

function resolveBackoff(options: RetryOptions, problems: Problems): BackoffPolicy {
  const { multiplier = 1, jitter = 0 } = options;
  if (typeof multiplier !== 'number' || !Number.isFinite(multiplier) || multiplier < 1) {
    problems.add(`retry.multiplier must be a number from 1; got ${describeValue(multiplier)}`);
  }
  if (typeof jitter !== 'number' || !(jitter >= 0 && jitter <= 1)) {
    problems.add(`retry.jitter must be a number from 0 to 1; got ${describeValue(jitter)}`);
  }
  const initialIntervalMs = checkDuration(options.initialInterval ?? 1000, 'retry.initialInterval', 1000, problems);
  const maxIntervalMs = checkDuration(options.maxInterval ?? 10_000, 'retry.maxInterval', 10_000, problems);
  if (options.maxInterval !== undefined && maxIntervalMs < initialIntervalMs) {
    problems.add(
      `retry.maxInterval (${maxIntervalMs} ms) must not be shorter than retry.initialInterval (${initialIntervalMs} ms)`,
    );
  }
  // An initial interval above the default maximum means that the user wants that interval, not ten seconds.
  return { initialIntervalMs, multiplier, maxIntervalMs: Math.max(maxIntervalMs, initialIntervalMs), jitter };
}
