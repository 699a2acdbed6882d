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
  readonly #completed = new Map<string, ClaimRecord>();
  readonly #order = new CompletionOrder(this.#completed);
  #evicted = 0;
  #claims = 0;

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
    const record = this.#find(key);
    const decision = decideClaim(record, now);
    if (decision.kind !== 'grant') return decision;
    if (record !== undefined) this.#forget(key);
    this.#makeRoom(now);
    // Nobody outside this process sees it.
    const token = String(++this.#claims);
    this.#inProgress.set(key, { state: 'in-progress', token, endsAt: now + options.leaseMs });
    return { kind: 'claimed', token };
  }

  async complete(claim: Claim, options: { readonly ttlMs: number }): Promise<boolean> {
    const now = this.#now();
    const record = this.#find(claim.key);
    if (!mayComplete(record, claim.token, now)) return false;
    // What was in progress leaves its room to itself.
    if (record === undefined) this.#makeRoom(now);
    else this.#forget(claim.key);
    const completed: ClaimRecord = { state: 'completed', token: claim.token, endsAt: now + options.ttlMs };
    this.#completed.set(claim.key, completed);
    this.#order.add(claim.key, completed);
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
    for (let first = this.#order.first; first !== undefined && first.record.endsAt <= now; first = this.#order.first) {
      this.#completed.delete(first.key);
    }
    if (this.size < this.#maxKeys) return;
    for (const [key, record] of this.#inProgress) if (record.endsAt <= now) this.#inProgress.delete(key);
    if (this.size < this.#maxKeys) return;
    const oldest = this.#order.first;
    if (oldest === undefined) {
      throw new LeveretError(
        'LEV_IDEMPOTENCY_STORE',
        `The store holds ${this.#maxKeys} messages in progress, as many as maxKeys allows: raise it, or handle fewer at a time.`,
      );
    }
    this.#completed.delete(oldest.key);
    this.#evicted++;
  }
}

interface Completion {
  readonly key: string;
  readonly record: ClaimRecord;
}

/**
 * Completed keys in the order of completion: with one time to live, the first is the next to be forgotten. A `Map` knows that order,
 * too, but each look at its first entry walks over all that were deleted before it.
 */
class CompletionOrder {
  readonly #known: ReadonlyMap<string, ClaimRecord>;
  #items: (Completion | undefined)[] = [];
  #head = 0;

  /** @param known what is not there any more, or there anew, is passed over */
  constructor(known: ReadonlyMap<string, ClaimRecord>) {
    this.#known = known;
  }

  add(key: string, record: ClaimRecord): void {
    this.#items.push({ key, record });
  }

  get first(): Completion | undefined {
    for (let item = this.#items[this.#head]; item !== undefined; item = this.#items[this.#head]) {
      if (this.#known.get(item.key) === item.record) return item;
      this.#items[this.#head++] = undefined;
      if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
        this.#items = this.#items.slice(this.#head);
        this.#head = 0;
      }
    }
    return undefined;
  }
}
