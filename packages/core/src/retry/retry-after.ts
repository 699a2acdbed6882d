import { ConfigurationError, describeValue } from '../errors/configuration-error.js';
import { LeveretError } from '../errors/leveret-error.js';
import { type Duration, parseDuration } from '../time/duration.js';

/** Options of {@link RetryAfter}. */
export interface RetryAfterOptions extends ErrorOptions {
  /**
   * `false`: it does not count as a failure, and so it can be asked for as often as the handler likes. Default `true`: one of the
   * redeliveries of the listener.
   */
  readonly counts?: boolean;
}

/**
 * Thrown by a handler (or wrapped as the `cause` of what it throws): the message waits that long at the broker and comes back to
 * its queue, with no further attempt before. In whole seconds, rounded up.
 *
 * ```ts
 * throw new RetryAfter('90s');
 * throw new RetryAfter(new Date(response.headers['x-ratelimit-reset'] * 1000), { counts: false });
 * ```
 */
export class RetryAfter extends LeveretError {
  static override readonly name: string = 'RetryAfter';
  /** How long, or until when. */
  readonly after: Duration | Date;
  readonly counts: boolean;

  /** @throws {ConfigurationError} when `after` is neither a duration nor a valid date */
  constructor(after: Duration | Date, { counts = true, ...options }: RetryAfterOptions = {}) {
    if (!isAfter(after)) {
      throw new ConfigurationError([
        `RetryAfter needs a duration such as '90s', or a Date; got ${describeValue(after)}. For the header of an HTTP response: retryAfterHeader(text)`,
      ]);
    }
    const text =
      after instanceof Date ? `at ${after.toISOString()}` : `after ${after}${typeof after === 'number' ? ' ms' : ''}`;
    super('LEV_RETRY_AFTER', `The handler asked for the message to come back ${text}.`, options);
    this.after = after;
    this.counts = counts;
  }
}

/** What the header `Retry-After` of an HTTP response says: seconds, or a date; `undefined` when it says neither. */
export function retryAfterHeader(text: string | null | undefined): Duration | Date | undefined {
  if (typeof text !== 'string') return undefined;
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text) * 1000;
  const at = new Date(text);
  return /[a-z]{3}/i.test(text) && !Number.isNaN(at.getTime()) ? at : undefined;
}

/** How long a message is to wait, and whether it counts; from an error that asks for it, maybe of another copy of leveret. */
export function readRetryAfter(
  error: LeveretError,
  now: number,
): { readonly delayMs: number; readonly counts: boolean } {
  const { after, counts } = error as Partial<RetryAfter>;
  return { delayMs: delayUntil(after, now) ?? 0, counts: counts !== false };
}

/** Milliseconds of a duration, or until a date; `undefined` for what is neither. */
export function delayUntil(after: unknown, now: number): number | undefined {
  if (!isAfter(after)) return undefined;
  return after instanceof Date ? Math.max(0, after.getTime() - now) : parseDuration(after);
}

function isAfter(value: unknown): value is Duration | Date {
  return value instanceof Date ? !Number.isNaN(value.getTime()) : parseDuration(value) !== undefined;
}
