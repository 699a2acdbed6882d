import { findSignal } from '../errors/outcome-signal.js';
import { backoffDelayMs } from '../time/backoff.js';
import type { FailurePolicy, RetryPolicy } from './failure-policy.js';
import { nextDelayMs } from './redeliver-delays.js';
import type { RememberedFailures } from './redelivery-attempts.js';
import { delayUntil, readRetryAfter } from './retry-after.js';

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
  /** How often the message has waited at the broker. Default 0. */
  readonly redeliveries?: number;
  /** Milliseconds since the epoch, for what is asked for until a date. Default 0. */
  readonly failedAt?: number;
  /** The delivery can still be settled. Default `true`. */
  readonly canSettle?: boolean;
  /** The signal of the handler had fired, because the channel went or the shutdown can wait no longer. Default `false`. */
  readonly interrupted?: boolean;
  /** The listener has paused because everything fails: it says nothing about the message. Default `false`. */
  readonly isOutage?: boolean;
}

/** Hand it to the recoverer. `doubt`: what `retryable` threw instead of an answer. */
interface Recover {
  readonly kind: 'recover';
  readonly reason: 'exhausted' | 'not-retryable' | 'invalid' | 'crash-loop';
  readonly doubt?: { readonly error: unknown };
}

/** Hold the delivery and try again after `delayMs`. */
interface Retry {
  readonly kind: 'retry';
  readonly delayMs: number;
}

/** Let it wait at the broker, its delivery settled. */
interface Redeliver {
  readonly kind: 'redeliver';
  readonly delayMs: number;
  /** `asked`: by the handler, or by what failed. */
  readonly reason: 'exhausted' | 'asked';
  /** One of the redeliveries that it may have. */
  readonly counts: boolean;
  /** What `retryAfter` threw instead of an answer. */
  readonly doubt?: { readonly error: unknown };
}

/** What to do about a failed delivery. */
export type FailureDecision =
  | { readonly kind: 'acknowledge' }
  | Redeliver
  | { readonly kind: 'requeue'; readonly reason: 'asked' | 'default' | 'stateful-retry' }
  | { readonly kind: 'reject'; readonly reason: 'asked' | 'default' | 'invalid' }
  | Retry
  | Recover
  /** It failed because it was interrupted, which says nothing about the message. */
  | { readonly kind: 'give-back' }
  /** It failed in an outage of something that all messages need: as if it had not been tried. */
  | { readonly kind: 'put-off' }
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
 * | `RetryAfter` in the chain of causes | redeliver after that, without a count as often as it likes |
 * | thrown while the message was read | reject, or recover with `invalid: 'recover'` |
 * | manual mode | leave it to the handler |
 * | interrupted | give back |
 * | in an outage, `RequeueMessage` included | put off |
 * | `retryAfter` says how long | redeliver after that |
 * | retry, not worth it | recover |
 * | retry, attempts left | retry here, or requeue when stateful |
 * | no attempts left, redeliveries left | redeliver |
 * | none left of either | recover |
 * | neither retry nor redeliver | requeue or reject, by `defaultRequeueRejected` |
 */
export function decideFailure(
  policy: FailurePolicy,
  facts: FailureFacts,
  random: () => number = Math.random,
): FailureDecision {
  // In none mode the broker has forgotten the message: its channel does not matter, and nothing can be given back.
  const isOurs = policy.acknowledge !== 'none';
  if (isOurs && facts.canSettle === false) return { kind: 'channel-gone' };
  const signalled = decideSignal(policy, facts);
  if (signalled !== undefined) return signalled;
  if ((facts.fault ?? (facts.failures === 0 ? 'message' : 'attempt')) === 'message') {
    return policy.invalid === 'recover'
      ? { kind: 'recover', reason: 'invalid' }
      : { kind: 'reject', reason: 'invalid' };
  }
  if (policy.acknowledge === 'manual') return { kind: 'leave' };
  if (isOurs && facts.interrupted === true) return { kind: 'give-back' };
  if (facts.isOutage === true) return { kind: 'put-off' };
  const wish = wishOf(policy.redeliver, facts);
  if (wish.delayMs !== undefined) return asked(policy, facts, { delayMs: wish.delayMs, counts: true });
  const decision = decideRetry(policy, facts, random);
  return wish.doubt !== undefined && decision.kind === 'redeliver' ? { ...decision, doubt: wish.doubt } : decision;
}

/** What the handler asked for. In an outage nothing is parked, nor put back as a failed attempt. */
function decideSignal(policy: FailurePolicy, facts: FailureFacts): FailureDecision | undefined {
  const found = findSignal(facts.error);
  if (found === undefined) return undefined;
  const isOutage = facts.isOutage === true;
  switch (found.signal) {
    case 'acknowledge':
      return { kind: 'acknowledge' };
    case 'retry-after': {
      const decision = asked(policy, facts, readRetryAfter(found.by, facts.failedAt ?? 0));
      return isOutage && decision.kind === 'recover' ? { kind: 'put-off' } : decision;
    }
    case 'requeue':
      return isOutage ? { kind: 'put-off' } : { kind: 'requeue', reason: 'asked' };
    default:
      return { kind: found.signal, reason: 'asked' };
  }
}

/** Until when it is to wait was said; of those that count there are as many as the policy has delays. */
function asked(
  { redeliver }: FailurePolicy,
  { redeliveries = 0 }: FailureFacts,
  { delayMs, counts }: { readonly delayMs: number; readonly counts: boolean },
): Redeliver | Recover {
  if (counts && redeliver !== undefined && redeliveries >= redeliver.delaysMs.length) {
    return { kind: 'recover', reason: 'exhausted' };
  }
  return { kind: 'redeliver', delayMs, reason: 'asked', counts };
}

/** What `retryAfter` says. It is the user's: one that throws says nothing. */
function wishOf(
  redeliver: FailurePolicy['redeliver'],
  { error, failedAt = 0 }: FailureFacts,
): { readonly delayMs?: number | undefined; readonly doubt?: { readonly error: unknown } } {
  try {
    return { delayMs: delayUntil(redeliver?.retryAfter?.(error), failedAt) };
  } catch (doubt) {
    return { doubt: { error: doubt } };
  }
}

function decideRetry(policy: FailurePolicy, facts: FailureFacts, random: () => number): FailureDecision {
  const { error, failures, hasMessageId, redelivered } = facts;
  const { retry, redeliver } = policy;
  if (retry === undefined) {
    if (redeliver !== undefined) return afterAttempts(policy, facts.redeliveries, random);
    return { kind: policy.defaultRequeueRejected ? 'requeue' : 'reject', reason: 'default' };
  }
  const doubt = notRetryable(retry, error);
  if (doubt !== undefined) return doubt;
  // Without an id stateful retry cannot recognise the message: the redelivered flag allows two deliveries and no more, for
  // else it would go round for ever.
  const exhausted =
    retry.stateless || hasMessageId ? failures >= retry.maxAttempts : redelivered || retry.maxAttempts === 1;
  if (exhausted) return afterAttempts(policy, facts.redeliveries, random);
  if (!retry.stateless) return { kind: 'requeue', reason: 'stateful-retry' };
  return { kind: 'retry', delayMs: backoffDelayMs(retry.backoff, failures, random) };
}

/** The attempts of a delivery are used up. */
function afterAttempts(
  { redeliver }: FailurePolicy,
  redeliveries: number | undefined,
  random: () => number,
): Redeliver | Recover {
  const delayMs = redeliver && nextDelayMs(redeliver, redeliveries ?? 0, random);
  if (delayMs === undefined) return { kind: 'recover', reason: 'exhausted' };
  return { kind: 'redeliver', delayMs, reason: 'exhausted', counts: true };
}

/**
 * What to do with a message that comes again and has failed here before: recover or redeliver it when it has had its attempts, else
 * try again. Stateful retry waits its interval first. Local retry has waited, until the channel of the delivery was lost: it goes
 * on at once, for a wait that is longer than the broker's patience would never end.
 * @param now by the monotonic hand of the clock
 */
export function decideRedelivery(
  policy: FailurePolicy & { readonly retry: RetryPolicy },
  { failures, lastError, waiting }: RememberedFailures,
  now: number,
  redeliveries = 0,
  random: () => number = Math.random,
): Retry | Recover | Redeliver {
  const { retry } = policy;
  if (failures >= retry.maxAttempts) return afterAttempts(policy, redeliveries, random);
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
    case 'put-off':
    case 'channel-gone':
      return false;
    case 'requeue':
    case 'reject':
      return decision.reason !== 'asked';
    default:
      return true;
  }
}
