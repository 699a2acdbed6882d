/** How one guarded attempt ended. What the handler throws is thrown on. */
export type GuardedResult =
  /**
   * The handler ran. `remembered` is false when its claim was lost meanwhile and another has the key: the message may
   * have taken effect twice.
   */
  | { readonly kind: 'handled'; readonly value: unknown; readonly remembered: boolean }
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

/**
 * Runs a handler at most once with effect for each key. A claim-based guard ({@link claimGuard}) stands on an
 * {@link IdempotencyStore}; a transactional inbox writes the key in the transaction that the handler gets.
 */
export interface IdempotencyGuard {
  /**
   * @param key names the message, within the listener
   * @throws what the handler throws, and a `LeveretError` when it could not be found out whether the message was handled
   */
  run(listenerId: string, key: string, attempt: GuardedAttempt): Promise<GuardedResult>;
}
