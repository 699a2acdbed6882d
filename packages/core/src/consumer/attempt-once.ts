import type { Acknowledgement } from '../acknowledgement/acknowledgement.js';
import type { Delivery } from '../transport/transport.js';
import type { Obstacle } from './decide-hold.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { type HandlerSettlement, HeldSettlement } from './held-settlement.js';
import type { HandlerIdempotency } from './listener-definition.js';
import { type GuardedOutcome, runGuarded } from './run-guarded.js';

/** A handler that is to take effect once for a key. */
export interface OnceCall {
  readonly idempotency: HandlerIdempotency;
  readonly key: string;
}

/** What an attempt under a guard came to, unless it failed. */
export type OnceResult =
  | { readonly kind: 'handled'; readonly value: unknown }
  | { readonly kind: 'duplicate'; readonly key: string }
  | Obstacle;

/** Calls the handler. */
export type Invoke = (settlement: HandlerSettlement, transaction: unknown, claimLost: AbortSignal) => unknown;

/** Calls the handler through its guard, which calls it only if the message has not been handled. */
export async function attemptOnce(
  env: DeliveryEnvironment,
  delivery: Delivery,
  acknowledgement: Acknowledgement,
  { idempotency, key }: OnceCall,
  invoke: Invoke,
): Promise<OnceResult> {
  const manual = env.definition.failurePolicy.acknowledge === 'manual';
  let settlement: HeldSettlement | undefined;
  let outcome: GuardedOutcome | undefined;
  try {
    outcome = await runGuarded(idempotency.guard, idempotency.scope, key, {
      settles: manual,
      undone: () => settlement?.undone === true,
      call: (transaction, claimLost) => {
        if (manual) settlement = new HeldSettlement(delivery, acknowledgement);
        return invoke(settlement ?? acknowledgement, transaction, claimLost);
      },
    });
  } finally {
    settlement?.letGo(outcome?.kind === 'handled');
  }
  return resultOf(env, delivery, key, outcome);
}

function resultOf(env: DeliveryEnvironment, delivery: Delivery, key: string, outcome: GuardedOutcome): OnceResult {
  const { reporter, idempotency } = env;
  if (outcome.kind === 'unknown') {
    reporter.report(delivery, { type: 'idempotency-failed', key, error: outcome.error });
    return { kind: 'unknown', failuresInARow: ++idempotency.failuresInARow };
  }
  idempotency.failuresInARow = 0;
  if (outcome.kind === 'duplicate') return { kind: 'duplicate', key };
  if (outcome.kind === 'in-progress') return { kind: 'in-progress', key, retryAfterMs: outcome.retryAfterMs };
  if (!outcome.remembered) reporter.report(delivery, { type: 'claim-lost', key });
  return { kind: 'handled', value: outcome.value };
}
