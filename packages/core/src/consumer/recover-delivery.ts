import { describeValue } from '../errors/configuration-error.js';
import { errorText } from '../errors/error-text.js';
import { LeveretError } from '../errors/leveret-error.js';
import { redactUrls } from '../errors/redact.js';
import type { FailedDelivery, RecoveryOutcome } from '../recoverer/recoverer.js';
import type { BackoffPolicy } from '../time/backoff.js';
import type { Delivery } from '../transport/transport.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import type { DeliveryFailures } from './delivery-failures.js';

/** How long a delivery is held before it is requeued because its recoverer failed. */
export const RECOVERER_PAUSE: BackoffPolicy = {
  initialIntervalMs: 1000,
  multiplier: 2,
  maxIntervalMs: 30_000,
  jitter: 0.2,
};

const OUTCOMES: readonly RecoveryOutcome[] = ['ack', 'requeue', 'reject'];

/** Hands a failed delivery to the recoverer of its listener. Rejects when the recoverer fails. */
export async function recoverDelivery(
  env: DeliveryEnvironment,
  delivery: Delivery,
  failure: Pick<FailedDelivery, 'reason' | 'error' | 'attempts' | 'redeliveries'>,
  { known }: DeliveryFailures,
): Promise<RecoveryOutcome> {
  const { definition, publisher, clock, redact = redactUrls } = env;
  const lastFailedAt = clock.now();
  const { quarantine } = definition.crashLoop ?? {};
  const recoverer = (failure.reason === 'crash-loop' ? quarantine : undefined) ?? definition.recoverer;
  const answer = await recoverer.recover({
    message: delivery.message,
    ...failure,
    listenerId: definition.id,
    queue: delivery.queue,
    service: env.service,
    firstFailedAt: delivery.waited?.firstFailedAt || (known.failures > 0 ? known.firstFailedAt : lastFailedAt),
    lastFailedAt,
    redact,
    publisher,
  });
  const outcome = answer ?? 'ack';
  if (!OUTCOMES.includes(outcome)) {
    throw new TypeError(`A recoverer answers nothing, 'ack', 'requeue' or 'reject'; got ${describeValue(outcome)}.`);
  }
  env.recoverer.failuresInARow = 0;
  return outcome;
}

export function recovererFailed(listenerId: string, cause: unknown): LeveretError {
  const text = `The recoverer of listener ${listenerId} failed: ${errorText(cause)}`;
  return new LeveretError('LEV_RECOVERER_FAILED', text, { cause });
}

export function redeliveryFailed(listenerId: string, cause: unknown): LeveretError {
  const text = `A message of listener ${listenerId} could not be sent to where it waits for its redelivery: ${errorText(cause)}`;
  return new LeveretError('LEV_REDELIVERY_FAILED', text, { cause });
}

export function crashLoop(listenerId: string, crashes: number): LeveretError {
  const text = `A message of listener ${listenerId} was being handled when the process ended, ${crashes} times at least: it is not handled again. See whether handling it takes all memory, blocks for longer than the supervisor waits, or exits.`;
  return new LeveretError('LEV_CRASH_LOOP', text);
}

/** What no stage took for its own. */
export function undecided(listenerId: string, cause: unknown): LeveretError {
  const text = `What becomes of a delivery of listener ${listenerId} could not be decided: ${errorText(cause)}`;
  return new LeveretError('LEV_DELIVERY_UNDECIDED', text, { cause });
}
