import { invokeWithin } from '../handler/invoke-within.js';
import type { ClaimLost } from '../idempotency/idempotency-guard.js';
import type { Delivery } from '../transport/transport.js';
import { AttemptContext, type Tries } from './attempt-context.js';
import type { HandlerSettlement } from './deferred-settlement.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import type { ReadCall } from './read-call.js';

/** What one attempt has that the others of its delivery have not. */
export interface AttemptFacts {
  readonly tries: Tries;
  readonly settlement: HandlerSettlement;
  readonly transaction: unknown;
  readonly claimLost: ClaimLost | undefined;
}

/** Makes the context of an attempt, whose signal fires when its claim is lost. */
export function beginAttempt(
  { definition }: DeliveryEnvironment,
  delivery: Delivery,
  { payload }: ReadCall,
  { tries, settlement, transaction, claimLost }: AttemptFacts,
): AttemptContext {
  const mode = definition.acknowledge;
  const context = new AttemptContext(definition.id, mode, delivery, settlement, payload, tries, transaction);
  if (claimLost?.aborted === true) context.abort(claimLost.reason);
  else claimLost?.addEventListener('abort', () => context.abort(claimLost.reason), { once: true });
  return context;
}

/** Calls the handler through its interceptors. What this answers, or throws, is the result of the attempt. */
export function invokeHandler(env: DeliveryEnvironment, { route }: ReadCall, context: AttemptContext): unknown {
  const { clock, definition } = env;
  if (definition.timeoutMs === undefined) return route.invoke(context, context);
  context.began();
  return invokeWithin(
    clock,
    definition.timeoutMs,
    () => route.invoke(context, context),
    (error) => context.abort(error),
    () => context.ended(),
  );
}

/** Calls the handler under a guard, which is to find the attempt over as soon as it has its result. */
export async function callHandler(context: AttemptContext, invoke: () => unknown): Promise<unknown> {
  try {
    const value = await invoke();
    context.returned();
    return value;
  } catch (error) {
    context.failed(error);
    throw error;
  }
}
