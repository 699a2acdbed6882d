import type { ApplicationIdentity, StoreConcern } from './store-check.js';

/** What a store says when a key is claimed. */
export type ClaimResult =
  /** The key was free (or its lease had ended): handle the message. `token` proves the claim. */
  | { readonly kind: 'claimed'; readonly token: string }
  /** The message was handled before. */
  | { readonly kind: 'completed' }
  /** Somebody is handling it now; the claim cannot end later than `retryAfterMs` from now unless it is renewed. */
  | { readonly kind: 'in-progress'; readonly retryAfterMs: number };

/** A claim that was granted. */
export interface Claim {
  readonly key: string;
  readonly token: string;
}

/**
 * Remembers which messages a listener has handled. A key is *free*, *in progress* (claimed, with a lease that ends by
 * the store's clock), or *completed* (until its time to live ends). All methods are atomic, and reject when the store
 * cannot be reached: a check that could not be made is never taken for passed.
 *
 * ```
 *   free ── claim ──▶ in progress ── complete ──▶ completed ── ttl ends ──▶ free
 *    ▲                    │  ▲
 *    └── release, lease ──┘  └── claim by another: in-progress
 * ```
 *
 * Keys that leveret asks for have 1 to 255 bytes of UTF-8 without control characters, and differ when a single byte
 * does: a store must not fold case or trailing spaces. `idempotencyStoreCases` tries all of this on a store of your own.
 */
export interface IdempotencyStore {
  /**
   * The service whose keys it keeps apart from those of others. In front of the keys of a store without one, an
   * application puts the name of its own service.
   */
  readonly service?: string | undefined;
  /** See {@link StoreCheck}. */
  check?(application: ApplicationIdentity): Promise<readonly StoreConcern[]>;
  /** Claims a key that is free or whose lease has ended. */
  claim(key: string, options: { readonly leaseMs: number }): Promise<ClaimResult>;
  /**
   * The message is handled: remembers the key for `ttlMs`. Also when the lease has ended and nobody has claimed the key
   * since; and again, with the same answer, when the answer to the first call was lost. Answers `false`, and changes
   * nothing, when the key is another's by now.
   */
  complete(claim: Claim, options: { readonly ttlMs: number }): Promise<boolean>;
  /** The handler failed: the key is free again, if the claim is still the caller's and not completed. */
  release(claim: Claim): Promise<void>;
  /** Lets the lease run from now on. Answers `false`, and changes nothing, when it has ended before. */
  renew(claim: Claim, options: { readonly leaseMs: number }): Promise<boolean>;
}
