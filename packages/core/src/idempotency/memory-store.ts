import { randomUUID } from 'node:crypto';
import { ConfigurationError, describeValue } from '../errors/configuration-error.js';
import { LeveretError } from '../errors/leveret-error.js';
import { type ClaimRecord, decideClaim, mayComplete, mayRelease, mayRenew } from './decide-claim.js';
import type { Claim, ClaimResult, IdempotencyStore } from './idempotency-store.js';

/** Limits of a {@link MemoryIdempotencyStore}. */
export interface MemoryStoreOptions {
  /** Keys remembered at most, the ones in progress included. From 1; default 100,000 (some 30 MB). */
  readonly maxKeys?: number;
  /** Its clock in milliseconds, from any origin. Default: the process's monotonic clock, which nobody can set. */
  readonly now?: () => number;
}

/**
 * An idempotency store in the memory of this process: for one instance whose messages may be handled again after a
 * restart, and for tests. It is bounded: when it is full, the completed key that was written first is forgotten early
 * (`evicted` counts them), and a claim is refused when every key is in progress.
 */
export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly #maxKeys: number;
  readonly #now: () => number;
  readonly #inProgress = new Map<string, ClaimRecord>();
  // In the order of completion: with one time to live, the first is the next to be forgotten.
  readonly #completed = new Map<string, ClaimRecord>();
  #evicted = 0;

  constructor(options: MemoryStoreOptions = {}) {
    const { maxKeys = 100_000, now = () => performance.now() } = options;
    if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) {
      throw new ConfigurationError([`maxKeys must be a whole number from 1; got ${describeValue(maxKeys)}`]);
    }
    this.#maxKeys = maxKeys;
    this.#now = now;
  }

  /** Keys held now. */
  get size(): number {
    return this.#inProgress.size + this.#completed.size;
  }

  /** Completed keys forgotten before their time because the store was full: duplicates of them are handled again. */
  get evicted(): number {
    return this.#evicted;
  }

  /** @throws {LeveretError} LEV_IDEMPOTENCY_STORE when the store is full of keys in progress */
  async claim(key: string, options: { readonly leaseMs: number }): Promise<ClaimResult> {
    const now = this.#now();
    const decision = decideClaim(this.#find(key), now);
    if (decision.kind !== 'grant') return decision;
    this.#forget(key);
    this.#makeRoom(now);
    const token = randomUUID();
    this.#inProgress.set(key, { state: 'in-progress', token, endsAt: now + options.leaseMs });
    return { kind: 'claimed', token };
  }

  async complete(claim: Claim, options: { readonly ttlMs: number }): Promise<boolean> {
    const now = this.#now();
    if (!mayComplete(this.#find(claim.key), claim.token, now)) return false;
    this.#forget(claim.key);
    this.#makeRoom(now);
    this.#completed.set(claim.key, { state: 'completed', token: claim.token, endsAt: now + options.ttlMs });
    return true;
  }

  async release(claim: Claim): Promise<void> {
    if (mayRelease(this.#find(claim.key), claim.token)) this.#forget(claim.key);
  }

  async renew(claim: Claim, options: { readonly leaseMs: number }): Promise<boolean> {
    const now = this.#now();
    if (!mayRenew(this.#find(claim.key), claim.token, now)) return false;
    this.#inProgress.set(claim.key, { state: 'in-progress', token: claim.token, endsAt: now + options.leaseMs });
    return true;
  }

  #find(key: string): ClaimRecord | undefined {
    return this.#inProgress.get(key) ?? this.#completed.get(key);
  }

  #forget(key: string): void {
    this.#inProgress.delete(key);
    this.#completed.delete(key);
  }

  #makeRoom(now: number): void {
    for (const [key, record] of this.#completed) {
      if (record.endsAt > now) break;
      this.#completed.delete(key);
    }
    if (this.size < this.#maxKeys) return;
    for (const [key, record] of this.#inProgress) if (record.endsAt <= now) this.#inProgress.delete(key);
    if (this.size < this.#maxKeys) return;
    const [oldest] = this.#completed.keys();
    if (oldest === undefined) {
      throw new LeveretError(
        'LEV_IDEMPOTENCY_STORE',
        `The store holds ${this.#maxKeys} messages in progress, as many as maxKeys allows: raise it, or handle fewer at a time.`,
      );
    }
    this.#completed.delete(oldest);
    this.#evicted++;
  }
}
