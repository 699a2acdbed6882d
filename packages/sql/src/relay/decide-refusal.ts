import { type BackoffPolicy, backoffDelayMs, errorText, LeveretError, type PublishError } from '@leveret/core';

/** What becomes of a message that was not confirmed. */
export type RefusalDecision =
  /** Not the message's fault: nobody could take it. It stays as it is, and the relay waits. */
  | { readonly kind: 'outage' }
  /** It was never written, because its destination does not answer to others: it stays as it is, and is tried later. */
  | { readonly kind: 'later'; readonly delayMs: number }
  /** The broker refused it, or does not answer to it alone: the next attempt comes after a wait. */
  | { readonly kind: 'back-off'; readonly delayMs: number }
  /** That happened as often as allowed: a person has to look at it. */
  | { readonly kind: 'park' };

/** When refused messages are tried again, and for how long. */
export interface RefusalPolicy {
  readonly maxFailures: number;
  readonly backoff: BackoffPolicy;
}

/** What says nothing about the message: the connection, the broker's alarm, or this process. */
const OUTAGES: ReadonlySet<string> = new Set([
  'LEV_PUBLISH_NOT_CONNECTED',
  'LEV_PUBLISH_BLOCKED',
  'LEV_PUBLISH_BUFFER_FULL',
  'LEV_PUBLISHER_CLOSED',
  'LEV_CONNECTION_FAILED',
  'LEV_AUTHENTICATION_REFUSED',
  'LEV_CHANNEL_CLOSED',
  'LEV_INVALID_STATE',
]);

/** Whether an error says that the broker gave no answer, which it may have done to this message only. */
export function isUnanswered(error: unknown): boolean {
  return LeveretError.is(error) && error.code === 'LEV_PUBLISH_CONFIRM_TIMEOUT';
}

/** Whether an error says nothing of the message nor of its destination: nobody could take it. */
export function isOutage(error: unknown): boolean {
  return LeveretError.is(error) && OUTAGES.has(error.code);
}

/**
 * Decides by the error of a publish. An outage of an hour must not park what waits; a message that alone has no answer, or
 * that ends the channel each time it is sent, must not go round for ever.
 * @param failures refusals before this one
 * @param othersAnswered whether the broker answered to other messages while this one waited; a publisher of leveret says so itself
 */
export function decideRefusal(
  error: unknown,
  failures: number,
  othersAnswered: boolean,
  policy: RefusalPolicy,
  random: () => number = Math.random,
): RefusalDecision {
  if (isOutage(error)) return { kind: 'outage' };
  if (isUnanswered(error)) {
    const { stuck, fate } = error as Partial<PublishError>;
    if (stuck !== true && !othersAnswered) return { kind: 'outage' };
    if (fate === 'not-sent') return { kind: 'later', delayMs: policy.backoff.initialIntervalMs };
  }
  if (failures + 1 >= policy.maxFailures) return { kind: 'park' };
  return { kind: 'back-off', delayMs: backoffDelayMs(policy.backoff, failures + 1, random) };
}

const MAX_REFUSAL_CHARACTERS = 2_000;

/** The error as it is kept beside the message: its code and its text. */
export function refusalText(error: unknown): string {
  const code = LeveretError.is(error) ? `${error.code}: ` : '';
  return `${code}${errorText(error)}`.replaceAll('\0', ' ').slice(0, MAX_REFUSAL_CHARACTERS);
}
