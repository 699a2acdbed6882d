import { type BackoffPolicy, backoffDelayMs, type InterruptionCause } from '@leveret/core';
import { brokerReply } from '../errors/broker-reply.js';

/** What is known when a consumer stopped, or could not be started. */
export interface ConsumerFailure {
  readonly cause: InterruptionCause;
  /** Failures in a row before this one, without a stable time of consuming between them. */
  readonly failuresBefore: number;
  /** It has consumed before: a fault that was not there then may pass. */
  readonly everConsumed: boolean;
  readonly missingQueue: 'fail' | 'wait';
  /** This application declares the queue. */
  readonly declared: boolean;
}

/** What happens next. */
export type ConsumerRecovery =
  | { readonly next: 'await-connection' }
  /** `redeclare`: the queue and its bindings first, when this application declares them. */
  | { readonly next: 'consume-again'; readonly inMs: number; readonly redeclare: boolean }
  | { readonly next: 'fail' };

/** A consumer that lasted this long counts as healthy: its next failure is the first again. */
export const STABLE_MS = 5000;

const REPEATED: BackoffPolicy = { initialIntervalMs: 100, multiplier: 2, maxIntervalMs: 10_000, jitter: 0.2 };
const IN_USE: BackoffPolicy = { initialIntervalMs: 100, multiplier: 1.5, maxIntervalMs: 2000, jitter: 0.2 };
// Looked for often at first, because a queue that is deleted is mostly deleted to be made anew.
const MISSING: BackoffPolicy = { initialIntervalMs: 50, multiplier: 1.5, maxIntervalMs: 2000, jitter: 0.2 };
const MISSING_OFTEN = 60;

/** Decides how a consumer comes back. */
export function recoverConsumer(failure: ConsumerFailure, random?: () => number): ConsumerRecovery {
  const { failuresBefore } = failure;
  switch (failure.cause) {
    case 'connection-lost':
      return { next: 'await-connection' };
    case 'channel-closed':
    case 'cancelled': {
      const inMs = failuresBefore === 0 ? 0 : backoffDelayMs(REPEATED, failuresBefore, random);
      return { next: 'consume-again', inMs, redeclare: failure.cause === 'cancelled' };
    }
    case 'queue-missing': {
      if (!failure.everConsumed && !failure.declared && failure.missingQueue === 'fail') return { next: 'fail' };
      const inMs = backoffDelayMs(MISSING, Math.max(1, failuresBefore - MISSING_OFTEN), random);
      // The first look after a queue went missing is free when the application can declare it itself.
      return { next: 'consume-again', inMs: failure.declared && failuresBefore === 0 ? 0 : inMs, redeclare: true };
    }
    case 'queue-in-use':
      return { next: 'consume-again', inMs: backoffDelayMs(IN_USE, failuresBefore + 1, random), redeclare: false };
    case 'refused':
      if (!failure.everConsumed) return { next: 'fail' };
      return { next: 'consume-again', inMs: backoffDelayMs(REPEATED, failuresBefore + 1, random), redeclare: false };
  }
}

/** Why `basic.consume` failed, from the error it failed with. */
export function consumeFailureCause(error: unknown): InterruptionCause {
  const reply = brokerReply(error);
  switch (reply?.code) {
    case undefined:
      return 'channel-closed';
    case 404:
      return 'queue-missing';
    case 405:
      return 'queue-in-use';
    case 403:
      return reply?.text.includes('in exclusive use') ? 'queue-in-use' : 'refused';
    default:
      return 'refused';
  }
}
