import { findOutcomeSignal } from '../errors/outcome-signal.js';
import { backoffDelayMs } from '../time/backoff.js';
import type { FailurePolicy, RetryPolicy } from './failure-policy.js';
import type { RememberedFailures } from './redelivery-attempts.js';

/** What is known when a delivery has failed. */
export interface FailureFacts {
  readonly error: unknown;
  /**
   * Whose fault it is, which goes by where it was thrown, never by the error: while the message was read, or by an attempt
   * to handle it. Default: the message's as long as no attempt has failed.
   */
  readonly fault?: 'message' | 'attempt';
  /** Attempts that have failed so far, this one included; 0 when the handler was never called. */
  readonly failures: number;
  /** Stateful retry can recognise the message when it comes again. */
  readonly hasMessageId: boolean;
  readonly redelivered: boolean;
  /** The delivery can still be settled. Default `true`. */
  readonly canSettle?: boolean;
  /** The signal of the handler had fired, because the channel went or the shutdown can wait no longer. Default `false`. */
  readonly interrupted?: boolean;
}

/** Hand it to the recoverer. `doubt`: what `retryable` threw instead of an answer. */
interface Recover {
  readonly kind: 'recover';
  readonly reason: 'exhausted' | 'not-retryable' | 'invalid';
  readonly doubt?: { readonly error: unknown };
}

/** Hold the delivery and try again after `delayMs`. */
interface Retry {
  readonly kind: 'retry';
  readonly delayMs: number;
}

/** What to do about a failed delivery. */
export type FailureDecision =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'requeue'; readonly reason: 'asked' | 'default' | 'stateful-retry' }
  | { readonly kind: 'reject'; readonly reason: 'asked' | 'default' | 'invalid' }
  | Retry
  | Recover
  /** It failed because it was interrupted, which says nothing about the message. */
  | { readonly kind: 'give-back' }
  /** The broker delivers the message again by itself. */
  | { readonly kind: 'channel-gone' }
  /** Manual mode: the handler settles, or nobody does. */
  | { readonly kind: 'leave' };

/**
 * The heart of failure handling: which outcome a failure comes to. Pure; `process-delivery.ts` carries it out.
 *
 * | failure | decision |
 * |---|---|
 * | the channel is gone | nothing can be settled |
 * | `RejectMessage`, `RequeueMessage`, `AcknowledgeMessage` in the chain of causes, first wins | that, at once |
 * | thrown while the message was read | reject, or recover with `invalid: 'recover'` |
 * | manual mode | leave it to the handler |
 * | interrupted | give back |
 * | no retry | requeue or reject, by `defaultRequeueRejected` |
 * | retry, not worth it | recover |
 * | retry, attempts left | retry here, or requeue when stateful |
 * | retry, none left | recover |
 */
export function decideFailure(
  policy: FailurePolicy,
  facts: FailureFacts,
  random: () => number = Math.random,
): FailureDecision {
  // In none mode the broker has forgotten the message: its channel does not matter, and nothing can be given back.
  const isOurs = policy.acknowledge !== 'none';
  if (isOurs && facts.canSettle === false) return { kind: 'channel-gone' };
  const signal = findOutcomeSignal(facts.error);
  if (signal === 'acknowledge') return { kind: 'acknowledge' };
  if (signal !== undefined) return { kind: signal, reason: 'asked' };
  if ((facts.fault ?? (facts.failures === 0 ? 'message' : 'attempt')) === 'message') {
    return policy.invalid === 'recover'
      ? { kind: 'recover', reason: 'invalid' }
      : { kind: 'reject', reason: 'invalid' };
  }
  if (policy.acknowledge === 'manual') return { kind: 'leave' };
  if (isOurs && facts.interrupted === true) return { kind: 'give-back' };
  if (policy.retry === undefined) {
    return { kind: policy.defaultRequeueRejected ? 'requeue' : 'reject', reason: 'default' };
  }
  return decideRetry(policy.retry, facts, random);
}

function decideRetry(retry: RetryPolicy, facts: FailureFacts, random: () => number): FailureDecision {
  const { error, failures, hasMessageId, redelivered } = facts;
  const doubt = notRetryable(retry, error);
  if (doubt !== undefined) return doubt;
  // Without an id stateful retry cannot recognise the message: the redelivered flag allows two deliveries and no more, for
  // else it would go round for ever.
  const exhausted =
    retry.stateless || hasMessageId ? failures >= retry.maxAttempts : redelivered || retry.maxAttempts === 1;
  if (exhausted) return { kind: 'recover', reason: 'exhausted' };
  if (!retry.stateless) return { kind: 'requeue', reason: 'stateful-retry' };
  return { kind: 'retry', delayMs: backoffDelayMs(retry.backoff, failures, random) };
}

/**
 * What to do with a message that comes again and has failed here before: recover it when it has had its attempts, else try
 * again. Stateful retry waits its interval first. Local retry has waited, until the channel of the delivery was lost: it goes
 * on at once, for a wait that is longer than the broker's patience would never end.
 * @param now by the monotonic hand of the clock
 */
export function decideRedelivery(
  retry: RetryPolicy,
  { failures, lastError, waiting }: RememberedFailures,
  now: number,
  random: () => number = Math.random,
): Retry | Recover {
  if (failures >= retry.maxAttempts) return { kind: 'recover', reason: 'exhausted' };
  const doubt = notRetryable(retry, lastError);
  if (doubt !== undefined) return doubt;
  if (retry.stateless) return { kind: 'retry', delayMs: 0 };
  if (waiting === undefined) return { kind: 'retry', delayMs: backoffDelayMs(retry.backoff, failures, random) };
  // What is left of a wait that a lost channel cut short.
  return { kind: 'retry', delayMs: Math.max(0, waiting.since + waiting.delayMs - now) };
}

/** `retryable` is the user's: one that throws does not say that another attempt is worth it. */
function notRetryable(retry: RetryPolicy, error: unknown): Recover | undefined {
  try {
    return retry.retryable(error) ? undefined : { kind: 'recover', reason: 'not-retryable' };
  } catch (doubt) {
    return { kind: 'recover', reason: 'not-retryable', doubt: { error: doubt } };
  }
}

/** Whether a requester is told of the error first: not of what the handler asked for, nor of what is decided elsewhere. */
export function isWorthAReply(decision: FailureDecision): boolean {
  switch (decision.kind) {
    case 'acknowledge':
    case 'give-back':
    case 'channel-gone':
      return false;
    case 'requeue':
    case 'reject':
      return decision.reason !== 'asked';
    default:
      return true;
  }
}
