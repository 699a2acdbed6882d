import type { ApplicationIdentity, StoreConcern } from './store-check.js';

/** The result of one guarded attempt. What the handler throws is thrown on. */
export type GuardedResult =
  /**
   * The handler ran. `remembered` is false when its claim was lost meanwhile and another has the key, so that the message
   * may have taken effect twice; or, with an `error`, when the store did not take it: the guard goes on trying.
   */
  | { readonly kind: 'handled'; readonly value: unknown; readonly remembered: boolean; readonly error?: unknown }
  /** The message was handled before: the handler was not called. */
  | { readonly kind: 'duplicate' }
  /** Somebody is handling it now: the handler was not called. Try again after `retryAfterMs`. */
  | { readonly kind: 'in-progress'; readonly retryAfterMs: number };

/**
 * Calls the handler.
 * @param transaction what the handler finds as `context.transaction`; `undefined` for a guard without transactions
 * @param claimLost fires when the claim ends while the handler runs: somebody else may handle the message now
 */
export type GuardedAttempt = (transaction: unknown, claimLost: AbortSignal) => unknown;

/** What an attempt hears of its claim by: an `AbortSignal`, or as much of one as is asked here. */
export interface ClaimLost {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
}

/** Marks the attempts of leveret itself, which are content with {@link ClaimLost}: a signal costs more than a claim in memory. */
export const NEEDS_NO_SIGNAL: unique symbol = Symbol('leveret.needs-no-signal');

/** An attempt that may be given less than a signal. */
export interface PlainAttempt {
  (transaction: unknown, claimLost: ClaimLost): unknown;
  [NEEDS_NO_SIGNAL]?: true;
}

/**
 * Asked when an attempt has its result: resolves at its end, when nothing of it runs any more; `undefined` when the end has
 * come already. A handler that ran past its timeout, or that an interceptor gave up, runs on behind its result.
 */
export type StillRunning = () => Promise<void> | undefined;

/**
 * Runs a handler at most once with effect for each key. A claim-based guard ({@link claimGuard}) stands on an
 * {@link IdempotencyStore}; a transactional inbox writes the key in the transaction that the handler gets.
 */
export interface IdempotencyGuard {
  /** As that of an {@link IdempotencyStore}: the name of the application's service stands in front of listener ids without it. */
  readonly service?: string | undefined;
  /** See {@link StoreCheck}. */
  check?(application: ApplicationIdentity): Promise<readonly StoreConcern[]>;
  /**
   * Settles at the result of the attempt. What the handler still has in hand then is let go at its end, or is dead by now:
   * a claim stays claimed, a transaction takes no further statement.
   * @param key names the message, within the listener
   * @param stillRunning without it, the attempt has ended when its promise has settled
   * @throws what the handler throws, and a `LeveretError` when it could not be found out whether the message was handled
   */
  run(listenerId: string, key: string, attempt: GuardedAttempt, stillRunning?: StillRunning): Promise<GuardedResult>;
  /** Writes down at once what it has not written yet, and gives up what then still fails. For the end of the application. */
  flush?(): Promise<void>;
}
