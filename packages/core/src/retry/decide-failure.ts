import { isFatalMessageError } from '../errors/message-error.js';
import { findOutcomeSignal } from '../errors/outcome-signal.js';
import { backoffDelayMs } from '../time/backoff.js';
import type { FailurePolicy, RetryPolicy } from './failure-policy.js';

/** What is known when an attempt has failed. */
export interface FailureFacts {
  readonly error: unknown;
  /** Attempts that have failed so far, this one included; 0 when the handler was never called. */
  readonly failures: number;
  /** Stateful retry can recognise the message when it comes again. */
  readonly hasMessageId: boolean;
  readonly redelivered: boolean;
}

/** What to do about a failed attempt. */
export type FailureDecision =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'requeue'; readonly reason: 'asked' | 'default' | 'stateful-retry' }
  | { readonly kind: 'reject'; readonly reason: 'asked' | 'default' | 'invalid' }
  /** Hold the delivery and try again after `delayMs`. */
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'recover'; readonly reason: 'exhausted' | 'not-retryable' | 'invalid' }
  /** Manual mode: the handler settles, or nobody does. */
  | { readonly kind: 'leave' };

/**
 * The heart of failure handling: which outcome a failure comes to. Pure; `process-delivery.ts` carries it out.
 *
 * | failure | decision |
 * |---|---|
 * | `RejectMessage`, `RequeueMessage`, `AcknowledgeMessage` in the chain of causes, first wins | that, at once |
 * | the message itself is at fault | reject, or recover with `invalid: 'recover'` |
 * | manual mode | leave it to the handler |
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
  const signal = findOutcomeSignal(facts.error);
  if (signal === 'acknowledge') return { kind: 'acknowledge' };
  if (signal !== undefined) return { kind: signal, reason: 'asked' };
  if (isFatalMessageError(facts.error)) {
    return policy.invalid === 'recover'
      ? { kind: 'recover', reason: 'invalid' }
      : { kind: 'reject', reason: 'invalid' };
  }
  if (policy.acknowledge === 'manual') return { kind: 'leave' };
  if (policy.retry === undefined) {
    return { kind: policy.defaultRequeueRejected ? 'requeue' : 'reject', reason: 'default' };
  }
  return decideRetry(policy.retry, facts, random);
}

function decideRetry(retry: RetryPolicy, facts: FailureFacts, random: () => number): FailureDecision {
  if (!retry.retryable(facts.error)) return { kind: 'recover', reason: 'not-retryable' };
  if (retry.stateless) {
    if (facts.failures >= retry.maxAttempts) return { kind: 'recover', reason: 'exhausted' };
    return { kind: 'retry', delayMs: backoffDelayMs(retry.backoff, facts.failures, random) };
  }
  // Without an id the message cannot be recognised: the redelivered flag allows two deliveries and no more, for else
  // it would go round for ever.
  const exhausted = facts.hasMessageId
    ? facts.failures >= retry.maxAttempts
    : facts.redelivered || retry.maxAttempts === 1;
  return exhausted ? { kind: 'recover', reason: 'exhausted' } : { kind: 'requeue', reason: 'stateful-retry' };
}

/** The handler asked for it by what it threw. */
export function isAskedFor(decision: FailureDecision): boolean {
  return decision.kind === 'acknowledge' || reasonOf(decision) === 'asked';
}

/** It follows from the listener's options alone, neither from what the handler asked for nor from the message. */
export function isByPolicy(decision: FailureDecision): boolean {
  return decision.kind !== 'leave' && !isAskedFor(decision) && reasonOf(decision) !== 'invalid';
}

function reasonOf(decision: FailureDecision): string | undefined {
  return 'reason' in decision ? decision.reason : undefined;
}
