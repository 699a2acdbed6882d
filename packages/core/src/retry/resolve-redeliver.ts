import { MAX_DELAY_MS } from '../delay/levels.js';
import { checkFlag, checkKnown, checkWholeNumber, isRecord } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import { backoffDelayMs } from '../time/backoff.js';
import { parseDuration } from '../time/duration.js';
import type { RedeliverPolicy } from './failure-policy.js';
import type { RedeliverOptions } from './redeliver-options.js';

const COMMON = ['jitter', 'native', 'retryAfter'];
const GROWTH = ['initialInterval', 'multiplier', 'maxInterval', 'maxAttempts'];
const KNOWN = ['delays', ...GROWTH, ...COMMON];

/** Queues that the delays of one listener may take. */
const MAX_DELAYS = 32;

/** Checks redeliver options. `true` takes every default: after 10, 20 and 30 s, which RabbitMQ can do by itself from 4.3 on. */
export function resolveRedeliver(
  value: RedeliverOptions | boolean | undefined,
  problems: Problems,
): RedeliverPolicy | undefined {
  if (value === undefined || value === false) return undefined;
  const options: unknown = value === true ? { delays: [10_000, 20_000, 30_000] } : value;
  if (!isRecord(options)) {
    problems.add(`redeliver must be true, false or an object; got ${describeValue(options)}`);
    return undefined;
  }
  checkKnown(options, KNOWN, 'redeliver', problems);
  const { jitter = 0, retryAfter } = options;
  if (typeof jitter !== 'number' || !(jitter >= 0 && jitter <= 1)) {
    problems.add(`redeliver.jitter must be a number from 0 to 1; got ${describeValue(jitter)}`);
  }
  if (retryAfter !== undefined && typeof retryAfter !== 'function') {
    problems.add(`redeliver.retryAfter must be a function of the error; got ${describeValue(retryAfter)}`);
  }
  const delaysMs = options['delays'] === undefined ? grown(options, problems) : listed(options, problems);
  if (new Set(delaysMs).size > MAX_DELAYS) {
    problems.add(
      `redeliver has ${new Set(delaysMs).size} different delays, and each takes a queue at the broker: at most ${MAX_DELAYS}; give fewer, or a shorter maxInterval`,
    );
  }
  return Object.freeze({
    delaysMs: Object.freeze(delaysMs),
    jitter: typeof jitter === 'number' && jitter > 0 ? Math.min(1, jitter) : 0,
    native: checkFlag(options['native'], 'redeliver.native', true, problems),
    retryAfter: retryAfter as RedeliverPolicy['retryAfter'],
  });
}

function listed(options: Readonly<Record<string, unknown>>, problems: Problems): readonly number[] {
  const { delays } = options;
  const both = GROWTH.filter((name) => options[name] !== undefined);
  if (both.length > 0) {
    problems.add(`redeliver.delays and redeliver.${both.join(', ')} say the same thing; give one or the other`);
  }
  if (!Array.isArray(delays) || delays.length === 0) {
    problems.add(`redeliver.delays must be a list of durations such as ['10s', '1m']; got ${describeValue(delays)}`);
    return [];
  }
  return delays.map((delay, index) => wait(delay, `redeliver.delays[${index}]`, problems));
}

function grown(options: Readonly<Record<string, unknown>>, problems: Problems): readonly number[] {
  const { initialInterval = 10_000, multiplier = 1, maxInterval, maxAttempts } = options;
  const isGrowth = typeof multiplier === 'number' && Number.isFinite(multiplier) && multiplier >= 1;
  if (!isGrowth) problems.add(`redeliver.multiplier must be a number from 1; got ${describeValue(multiplier)}`);
  const initialIntervalMs = wait(initialInterval, 'redeliver.initialInterval', problems);
  const longestMs = wait(maxInterval ?? Math.max(3_600_000, initialIntervalMs), 'redeliver.maxInterval', problems);
  if (longestMs < initialIntervalMs) {
    problems.add(
      `redeliver.maxInterval (${longestMs} ms) must not be shorter than redeliver.initialInterval (${initialIntervalMs} ms)`,
    );
  }
  const range = { from: 2, to: 10_000, or: 4 };
  const deliveries = checkWholeNumber(maxAttempts, 'redeliver.maxAttempts (all deliveries)', range, problems);
  const backoff = { initialIntervalMs, multiplier: isGrowth ? multiplier : 1, maxIntervalMs: longestMs, jitter: 0 };
  return Array.from({ length: deliveries - 1 }, (_, index) => backoffDelayMs(backoff, index + 1));
}

function wait(value: unknown, name: string, problems: Problems): number {
  const ms = parseDuration(value);
  if (ms !== undefined && ms > 0 && ms <= MAX_DELAY_MS) return Math.ceil(ms);
  problems.add(
    `${name} must be a duration of more than 0 and at most 8.5 years, such as '10s' or '1m'; got ${describeValue(value)}`,
  );
  return 10_000;
}
