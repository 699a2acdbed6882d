import { MAX_DELAY_MS } from '../delay/levels.js';
import { ConfigurationError, describeValue } from '../errors/configuration-error.js';
import { parseDuration } from '../time/duration.js';
import type { PublishOptions } from './publish-options.js';

/** When a message is to be routed: the options of {@link PublishOptions} that say so. */
export type DelayOptions = Pick<PublishOptions, 'delay' | 'deliverAt'>;

/**
 * How long a message is to wait, in milliseconds; 0 for at once, also where nothing is said and for a date that is past.
 * @param now milliseconds since the epoch
 * @throws {ConfigurationError} when `delay` is no duration or `deliverAt` no date, when both are given, or when it is more than
 * 8.5 years
 */
export function publishDelayMs({ delay, deliverAt }: DelayOptions, now: number): number {
  if (delay !== undefined && deliverAt !== undefined) {
    throw new ConfigurationError(['publish options delay and deliverAt say the same thing; give one of them']);
  }
  if (delay !== undefined) return checked('delay', parseDuration(delay), delay, "a duration such as '15m'");
  if (deliverAt === undefined) return 0;
  const at = deliverAt instanceof Date ? deliverAt.getTime() : Number.NaN;
  return checked('deliverAt', Number.isNaN(at) ? undefined : Math.max(0, at - now), deliverAt, 'a valid Date');
}

/** @throws {ConfigurationError} for what cannot wait, such as a request */
export function refuseDelay(options: object): void {
  const { delay, deliverAt } = options as DelayOptions;
  if (delay === undefined && deliverAt === undefined) return;
  throw new ConfigurationError(['a request is sent at once: it has no delay and no deliverAt; publish it instead']);
}

function checked(name: string, ms: number | undefined, given: unknown, expected: string): number {
  if (ms !== undefined && ms <= MAX_DELAY_MS) return ms;
  throw new ConfigurationError([
    `publish option ${name} must be ${expected}, at most 8.5 years ahead; got ${describeValue(given)}`,
  ]);
}
