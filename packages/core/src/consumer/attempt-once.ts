import type { Acknowledgement } from '../acknowledgement/acknowledgement.js';
import type { ClaimLost } from '../idempotency/idempotency-guard.js';
import type { Delivery } from '../transport/transport.js';
import type { AttemptContext } from './attempt-context.js';
import type { Obstacle } from './decide-hold.js';
import { DeferredSettlement, type HandlerSettlement } from './deferred-settlement.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
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

/** What calls the handler: first a context for the attempt, then the call in it. */
export interface GuardedCall {
  readonly begin: (settlement: HandlerSettlement, transaction: unknown, claimLost: ClaimLost) => AttemptContext;
  readonly call: (context: AttemptContext) => unknown;
}

/** A call of the handler under the guard, which may call it again when a transaction met another. */
interface Begun {
  readonly context: AttemptContext;
  readonly settlement: DeferredSettlement | undefined;
}

/** Calls the handler through its guard, which calls it only if the message has not been handled. */
export async function attemptOnce(
  env: DeliveryEnvironment,
  delivery: Delivery,
  acknowledgement: Acknowledgement,
  { idempotency, key }: OnceCall,
  { begin, call }: GuardedCall,
): Promise<OnceResult> {
  const manual = env.definition.acknowledge === 'manual';
  const onLate = (outcome: string) => env.reporter.report(delivery, { type: 'settled-late', outcome });
  let begun: Begun | undefined;
  let outcome: GuardedOutcome | undefined;
  try {
    outcome = await runGuarded(idempotency.guard, idempotency.scope, key, {
      settles: manual,
      undone: () => begun?.settlement?.undone === true,
      stillRunning: () => begun?.context.stillRunning(),
      call: (transaction, claimLost) => {
        begun?.settlement?.failed();
        const settlement = manual ? new DeferredSettlement(delivery, acknowledgement, onLate) : undefined;
        const context = begin(settlement ?? acknowledgement, transaction, claimLost);
        begun = { context, settlement };
        return call(context);
      },
    });
  } finally {
    if (outcome?.kind === 'handled') begun?.settlement?.remembered();
    else begun?.settlement?.failed();
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
  if (!outcome.remembered) {
    if (outcome.error === undefined) reporter.report(delivery, { type: 'claim-lost', key });
    else reporter.report(delivery, { type: 'not-remembered', key, error: outcome.error });
  }
  return { kind: 'handled', value: outcome.value };
}
