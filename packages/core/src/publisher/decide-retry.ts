import { backoffDelayMs } from '../time/backoff.js';
import type { ReturnInfo } from '../transport/transport.js';
import type { PublishFate } from './publish-error.js';
import type { PublishRetryPolicy } from './publisher-options.js';

/** Why one attempt to publish a message failed. */
export type PublishFailure =
  | { readonly kind: 'nacked'; readonly error: Error }
  | { readonly kind: 'unroutable'; readonly error: Error; readonly returned: ReturnInfo }
  | { readonly kind: 'exchange-missing'; readonly error: Error }
  | { readonly kind: 'refused'; readonly error: Error }
  | { readonly kind: 'unencodable'; readonly error: Error }
  | { readonly kind: 'confirm-timeout'; readonly error: Error }
  | { readonly kind: 'channel-lost'; readonly error: Error }
  /** Another message ended the channel; this one is published again and has used no attempt. */
  | { readonly kind: 'spoilt'; readonly error: Error }
  | { readonly kind: 'not-connected'; readonly error: Error }
  | { readonly kind: 'blocked'; readonly error: Error }
  | { readonly kind: 'buffer-full'; readonly error: Error }
  /** The publisher was closed; `sent` when the message was written and had no answer yet. */
  | { readonly kind: 'closed'; readonly error: Error; readonly sent: boolean };

/** What to do with a message after a failed attempt. */
export type RetryDecision = { readonly action: 'retry'; readonly afterMs: number } | { readonly action: 'fail' };

const FAIL: RetryDecision = Object.freeze({ action: 'fail' });

/**
 * Whether a message is tried again, and when.
 *
 * | failure | tried again |
 * |---|---|
 * | not connected, channel lost, confirm timeout, nacked | while attempts are left, after the backoff |
 * | unroutable, exchange missing, refused, not encodable | never: the message is at fault, or the topology |
 * | blocked, buffer full, closed | never: it has waited its time already |
 * @param attempts attempts made so far, this one included
 */
export function decideAfterFailure(
  policy: PublishRetryPolicy,
  failure: PublishFailure,
  attempts: number,
): RetryDecision {
  if (!REPEATABLE.has(failure.kind) || attempts >= policy.maxAttempts) return FAIL;
  return { action: 'retry', afterMs: backoffDelayMs(policy.backoff, attempts) };
}

const REPEATABLE: ReadonlySet<PublishFailure['kind']> = new Set([
  'nacked',
  'confirm-timeout',
  'channel-lost',
  'not-connected',
]);

/** What one failed attempt means for the message. */
export function fateOf(failure: PublishFailure): PublishFate {
  switch (failure.kind) {
    case 'confirm-timeout':
    case 'channel-lost':
    case 'spoilt':
      return 'unknown';
    case 'nacked':
    case 'unroutable':
    case 'exchange-missing':
    case 'refused':
      return 'refused';
    case 'closed':
      return failure.sent ? 'unknown' : 'not-sent';
    default:
      return 'not-sent';
  }
}

const WORSE: Readonly<Record<PublishFate, number>> = { 'not-sent': 0, refused: 1, unknown: 2 };

/** What all failed attempts together mean: one attempt without an answer makes the fate unknown, whatever came after. */
export function overallFate(failures: readonly PublishFailure[]): PublishFate {
  let fate: PublishFate = 'not-sent';
  for (const failure of failures) {
    const one = fateOf(failure);
    if (WORSE[one] > WORSE[fate]) fate = one;
  }
  return fate;
}

/**
 * The failure that the error is named after: the last one, unless that one says "not sent" of a message that an earlier
 * attempt did send. Then it is the last attempt that was sent, so that nobody repeats the message unaware.
 */
export function tellingFailure(failures: readonly PublishFailure[]): PublishFailure | undefined {
  const last = failures.at(-1);
  if (last === undefined || last.kind === 'closed' || fateOf(last) !== 'not-sent') return last;
  return failures.findLast((failure) => fateOf(failure) !== 'not-sent') ?? last;
}
