import { type BackoffPolicy, backoffDelayMs, type Clock, type InterruptionCause, LeveretError } from '@leveret/core';
import { brokerReply, errorText } from '../errors/broker-reply.js';

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
export type ConsumeAgainDecision =
  | { readonly next: 'await-connection' }
  /** `redeclare`: the queue and its bindings first, when this application declares them. */
  | { readonly next: 'consume-again'; readonly inMs: number; readonly redeclare: boolean }
  | { readonly next: 'fail' };

/** A consumer that lasted this long counts as healthy: its next failure is the first again. */
const STABLE_MS = 5000;

/** Counts how often in a row a consumer failed. */
export class FailuresInARow {
  readonly #clock: Clock;
  /** Times that consuming began and soon stopped. */
  #flaps = 0;
  /** Attempts to begin that failed since consuming stopped. */
  #attempts = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  began(): void {
    this.#attempts = 0;
  }

  /** One more; answers how many there were before. `since`: when consuming began, if it did. */
  count(since: number | undefined): number {
    if (since === undefined) return this.#attempts++;
    if (this.#clock.monotonic() - since >= STABLE_MS) this.#flaps = 0;
    return this.#flaps++;
  }
}

const REPEATED: BackoffPolicy = { initialIntervalMs: 100, multiplier: 2, maxIntervalMs: 10_000, jitter: 0.2 };
const IN_USE: BackoffPolicy = { initialIntervalMs: 100, multiplier: 1.5, maxIntervalMs: 2000, jitter: 0.2 };
// Looked for often at first, because a queue that is deleted is mostly deleted to be made anew.
const MISSING: BackoffPolicy = { initialIntervalMs: 50, multiplier: 1.5, maxIntervalMs: 2000, jitter: 0.2 };
const MISSING_OFTEN = 60;

/** Decides how a consumer comes back. */
export function decideConsumeAgain(failure: ConsumerFailure, random?: () => number): ConsumeAgainDecision {
  const { failuresBefore } = failure;
  switch (failure.cause) {
    case 'connection-lost':
      return { next: 'await-connection' };
    case 'channel-closed':
    case 'delivery-timeout':
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

/** Why the broker closed a channel on which a consumer was, and how long it waits for settlements if that was it. */
export function channelEndCause(error: Error): { readonly cause: InterruptionCause; readonly timeoutMs?: number } {
  const match = DELIVERY_TIMEOUT.exec(brokerReply(error)?.text ?? '');
  if (match === null) return { cause: 'channel-closed' };
  const timeoutMs = Number(match[1]);
  // RabbitMQ 4.3 says -1 for a consumer that was cancelled before.
  return timeoutMs > 0 ? { cause: 'delivery-timeout', timeoutMs } : { cause: 'delivery-timeout' };
}

const DELIVERY_TIMEOUT =
  /^PRECONDITION_FAILED - delivery acknowledgement on channel \d+ timed out\. Timeout value used: (-?\d+) ms/;

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

/** What the listener is told when it can never consume. */
export function consumeFailure(queueName: string, cause: InterruptionCause, error: Error | undefined): LeveretError {
  const queue = JSON.stringify(queueName);
  const text = brokerReply(error)?.text ?? errorText(error);
  if (text.includes('is down or inaccessible')) {
    return new LeveretError(
      'LEV_TOPOLOGY_UNAVAILABLE',
      `Queue ${queue} is there, and cannot be had now: ${text}. Start its node, or wait for it with missingQueue: 'wait'.`,
      { cause: error },
    );
  }
  if (cause === 'queue-missing') {
    return new LeveretError(
      'LEV_QUEUE_MISSING',
      `Queue ${queue} does not exist and this application does not declare it. Declare it, create it first, or wait for it with missingQueue: 'wait'.`,
      { cause: error },
    );
  }
  return new LeveretError('LEV_CHANNEL_CLOSED', `The broker refused a consumer on queue ${queue}: ${text}`, {
    cause: error,
  });
}
