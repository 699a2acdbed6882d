import { describeValue } from '../errors/configuration-error.js';
import { LeveretError } from '../errors/leveret-error.js';
import {
  type GuardedResult,
  type IdempotencyGuard,
  NEEDS_NO_SIGNAL,
  type PlainAttempt,
  type StillRunning,
} from '../idempotency/idempotency-guard.js';

/** What came of an attempt under a guard, other than a failure of the handler, which is thrown. */
export type GuardedOutcome =
  | GuardedResult
  /** The guard could not find out, or not write down, whether the message was handled. */
  | { readonly kind: 'unknown'; readonly error: unknown };

/** What a handler asks for that undoes it: the guard must not remember the message. */
export interface GuardedHandler {
  readonly call: PlainAttempt;
  readonly stillRunning: StillRunning;
  /** Asked when the handler has returned: it put the message back, or rejected it, so that it is not handled. */
  readonly undone: () => boolean;
  /** The handler settles by itself, and would not hear of a guard that fails after it has returned. */
  readonly settles: boolean;
}

/**
 * Runs an attempt under a guard, and tells failures of the handler from failures of the guard.
 *
 * | what failed | outcome |
 * |---|---|
 * | the guard, before it called the handler | `unknown`: nothing has happened, the message waits |
 * | the handler | is thrown, whatever the guard makes of it |
 * | the store, after the handler | `unknown`: the message waits, and comes out handled, a duplicate, or to be handled again |
 * | a transaction, after the handler | is thrown: a commit that is refused, as by a constraint, is the handler's failure |
 */
export async function runGuarded(
  guard: IdempotencyGuard,
  scope: string,
  key: string,
  handler: GuardedHandler,
): Promise<GuardedOutcome> {
  let state: HandlerState = { name: 'not-called' };
  try {
    const attempt: PlainAttempt = async (transaction, claimLost) => {
      state = { name: 'called' };
      let value: unknown;
      try {
        value = await handler.call(transaction, claimLost);
      } catch (error) {
        state = { name: 'threw', error };
        throw error;
      }
      state = { name: 'returned', value };
      if (handler.undone()) throw UNDONE;
      return value;
    };
    attempt[NEEDS_NO_SIGNAL] = true;
    return checked(await guard.run(scope, key, attempt, handler.stillRunning));
  } catch (error) {
    const ended = state as HandlerState;
    if (ended.name === 'threw') throw ended.error;
    if (ended.name === 'returned' && error === UNDONE) return { kind: 'handled', value: ended.value, remembered: true };
    if (ended.name === 'not-called' || handler.settles || isStoreFailure(error)) return { kind: 'unknown', error };
    throw error;
  }
}

type HandlerState =
  | { readonly name: 'not-called' | 'called' }
  | { readonly name: 'returned'; readonly value: unknown }
  | { readonly name: 'threw'; readonly error: unknown };

/** Thrown through the guard, so that it lets go of the key. Nobody else sees it. */
const UNDONE = Symbol('undone');

function checked(result: unknown): GuardedResult {
  const kind = (result as Partial<GuardedResult> | null | undefined)?.kind;
  if (kind === 'handled' || kind === 'duplicate' || kind === 'in-progress') return result as GuardedResult;
  throw new LeveretError(
    'LEV_IDEMPOTENCY_STORE',
    `A guard answers handled, duplicate or in-progress as its kind; got ${describeValue(result)}.`,
  );
}

function isStoreFailure(error: unknown): boolean {
  return LeveretError.is(error) && error.code === 'LEV_IDEMPOTENCY_STORE';
}
