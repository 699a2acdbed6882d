import { MAX_DELAY_MS } from '../delay/levels.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import type { OptionsOf, ReadOptions } from '../options/option.js';
import {
  customOption,
  flagOption,
  functionOption,
  groupOption,
  numberOption,
  wholeNumberOption,
} from '../options/option-kinds.js';
import { backoffDelayMs } from '../time/backoff.js';
import { type Duration, parseDuration } from '../time/duration.js';
import type { RedeliverPolicy } from './failure-policy.js';

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

/** A wait at the broker: longer ones than a timer of this process can hold, and none of nothing. */
function waitOption(text: string, byDefault: string) {
  return customOption<Duration, number | undefined>({
    text,
    byDefault,
    schema: {
      anyOf: [
        { type: 'number', exclusiveMinimum: 0 },
        { type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$' },
      ],
    },
    read: readWait,
  });
}

/** The table of both forms. */
const REDELIVER_OPTIONS = {
  delays: customOption<readonly Duration[], readonly number[] | undefined>({
    text: "the waits, one for each redelivery, such as `['10s', '1m', '10m']`; at most 32 different ones",
    byDefault: 'by the four below',
    schema: { type: 'array', minItems: 1, items: { type: ['string', 'number'] } },
    read: readDelays,
  }),
  initialInterval: waitOption('wait before the first redelivery', '10 s'),
  multiplier: numberOption({ from: 1, byDefault: '1', text: 'growth from wait to wait' }),
  maxInterval: waitOption('the longest wait', '1 h (or `initialInterval`, if that is longer)'),
  maxAttempts: wholeNumberOption({
    from: 2,
    to: 10_000,
    byDefault: '4',
    counts: 'all deliveries',
    text: 'deliveries in all, the first included: one more than there are redeliveries',
  }),
  jitter: numberOption({
    from: 0,
    to: 1,
    or: 0,
    text: 'up to this share of the wait is added at random: none, the half or the whole of it',
  }),
  native: flagOption({
    or: true,
    text: 'let the queue itself hold back what failed, where the broker can; `false`: always as copies',
  }),
  retryAfter: functionOption<(error: unknown) => Duration | Date | undefined>({
    takes: 'of the error',
    text: 'how long the service that failed wants to be left alone, such as by its `Retry-After`',
  }),
} satisfies OptionsOf<Required<RedeliverCommon & RedeliverDelays & RedeliverGrowth>>;

/** The option `redeliver`: `true` is after 10, 20 and 30 s, which RabbitMQ can do by itself from 4.3 on. */
export const REDELIVER_OPTION = groupOption<RedeliverOptions | boolean, typeof REDELIVER_OPTIONS, RedeliverPolicy>(
  REDELIVER_OPTIONS,
  {
    flag: true,
    byDefault: 'no redelivery',
    text: 'after its attempts a message waits at the broker and comes back: `true`, or the options in [redelivery](retry.md#redelivery-redeliver)',
    make: redeliverPolicy,
  },
);

/** Queues that the delays of one listener may take. */
const MAX_DELAYS = 32;
const DEFAULT_DELAYS_MS = [10_000, 20_000, 30_000];
const HOUR_MS = 3_600_000;

function redeliverPolicy(
  read: ReadOptions<typeof REDELIVER_OPTIONS>,
  place: string,
  problems: Problems,
): RedeliverPolicy {
  const { delays, initialInterval, multiplier, maxInterval, maxAttempts, jitter, native, retryAfter } = read;
  const growth = Object.entries({ initialInterval, multiplier, maxInterval, maxAttempts });
  const said = growth.filter(([, value]) => value !== undefined).map(([name]) => name);
  if (delays !== undefined && said.length > 0) {
    problems.add(`${place}.delays and ${place}.${said.join(', ')} say the same thing; give one or the other`);
  }
  const delaysMs = delays ?? (said.length === 0 ? DEFAULT_DELAYS_MS : grown(read, place, problems));
  const different = new Set(delaysMs).size;
  if (different > MAX_DELAYS) {
    problems.add(
      `${place} has ${different} different delays, and each takes a queue at the broker: at most ${MAX_DELAYS}; give fewer, or a shorter maxInterval`,
    );
  }
  return Object.freeze({ delaysMs: Object.freeze(delaysMs), jitter, native, retryAfter });
}

function grown(
  { initialInterval = 10_000, multiplier = 1, maxInterval, maxAttempts = 4 }: ReadOptions<typeof REDELIVER_OPTIONS>,
  place: string,
  problems: Problems,
): readonly number[] {
  const maxIntervalMs = maxInterval ?? Math.max(HOUR_MS, initialInterval);
  if (maxIntervalMs < initialInterval) {
    problems.add(
      `${place}.maxInterval (${maxIntervalMs} ms) must not be shorter than ${place}.initialInterval (${initialInterval} ms)`,
    );
  }
  const backoff = { initialIntervalMs: initialInterval, multiplier, maxIntervalMs, jitter: 0 };
  return Array.from({ length: maxAttempts - 1 }, (_, index) => backoffDelayMs(backoff, index + 1));
}

function readDelays(value: unknown, name: string, problems: Problems): readonly number[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.length > 0) {
    return value.map((delay, index) => readWait(delay, `${name}[${index}]`, problems) ?? mustBe(name, problems, delay));
  }
  problems.add(`${name} must be a list of durations such as ['10s', '1m']; got ${describeValue(value)}`);
  return undefined;
}

function readWait(value: unknown, name: string, problems: Problems): number | undefined {
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  return ms !== undefined && ms > 0 && ms <= MAX_DELAY_MS ? Math.ceil(ms) : mustBe(name, problems, value);
}

function mustBe(name: string, problems: Problems, value: unknown): number {
  problems.add(
    `${name} must be a duration of more than 0 and at most 8.5 years, such as '10s' or '1m'; got ${describeValue(value)}`,
  );
  return 1;
}
