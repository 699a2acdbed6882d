import { Bag, type Placed } from '../collections/bag.js';
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
  readonly #entries = new Map<string, Entry>();
  readonly #inProgress = new Bag<Entry>();
  readonly #order = new CompletionOrder(this.#entries);
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
    return this.#entries.size;
  }

  /** Completed keys forgotten before their time because the store was full: duplicates of them are handled again. */
  get evicted(): number {
    return this.#evicted;
  }

  /** @throws {LeveretError} LEV_IDEMPOTENCY_STORE when the store is full of keys in progress */
  async claim(key: string, options: { readonly leaseMs: number }): Promise<ClaimResult> {
    const now = this.#now();
    const entry = this.#entries.get(key);
    const decision = decideClaim(entry, now);
    if (decision.kind !== 'grant') return decision;
    if (entry !== undefined) this.#forget(entry);
    // Nobody outside this process sees it.
    const token = String(++this.#claims);
    this.#inProgress.add(
      this.#remember({ key, token, state: 'in-progress', endsAt: now + options.leaseMs, place: 0 }, now),
    );
    return { kind: 'claimed', token };
  }

  async complete(claim: Claim, options: { readonly ttlMs: number }): Promise<boolean> {
    const { key, token } = claim;
    const now = this.#now();
    const endsAt = now + options.ttlMs;
    const entry = this.#entries.get(key);
    if (!mayComplete(entry, token, now)) return false;
    if (entry !== undefined && mayRelease(entry, token)) {
      this.#inProgress.delete(entry);
      entry.state = 'completed';
      entry.endsAt = endsAt;
      this.#order.add(entry);
      return true;
    }
    if (entry !== undefined) this.#forget(entry);
    this.#order.add(this.#remember({ key, token, state: 'completed', endsAt, place: 0 }, now));
    return true;
  }

  async release(claim: Claim): Promise<void> {
    const entry = this.#entries.get(claim.key);
    if (entry !== undefined && mayRelease(entry, claim.token)) this.#forget(entry);
  }

  async renew(claim: Claim, options: { readonly leaseMs: number }): Promise<boolean> {
    const now = this.#now();
    const entry = this.#entries.get(claim.key);
    if (entry === undefined || !mayRenew(entry, claim.token, now)) return false;
    entry.endsAt = now + options.leaseMs;
    return true;
  }

  #remember(entry: Entry, now: number): Entry {
    this.#makeRoom(now);
    this.#entries.set(entry.key, entry);
    return entry;
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#inProgress.delete(entry);
  }

  #makeRoom(now: number): void {
    for (let first = this.#order.first; first !== undefined && first.endsAt <= now; first = this.#order.first) {
      this.#forget(first);
    }
    if (this.size < this.#maxKeys) return;
    for (const entry of this.#inProgress.items.filter(({ endsAt }) => endsAt <= now)) this.#forget(entry);
    if (this.size < this.#maxKeys) return;
    const oldest = this.#order.first;
    if (oldest === undefined) {
      throw new LeveretError(
        'LEV_IDEMPOTENCY_STORE',
        `The store holds ${this.#maxKeys} messages in progress, as many as maxKeys allows: raise it, or handle fewer at a time.`,
      );
    }
    this.#forget(oldest);
    this.#evicted++;
  }
}

/** What is kept under a key. One object from the claim on: what lives as long as a key is what the collector has to move. */
interface Entry extends ClaimRecord, Placed {
  readonly key: string;
  state: ClaimRecord['state'];
  endsAt: number;
}

/**
 * Completed keys in the order of completion: with one time to live, the first is the next to be forgotten. A `Map` knows an order,
 * too, but each look at its first entry walks over all that were deleted before it.
 */
class CompletionOrder {
  readonly #known: ReadonlyMap<string, Entry>;
  #items: (Entry | undefined)[] = [];
  #head = 0;

  /** @param known what is not there any more, or there anew, is passed over */
  constructor(known: ReadonlyMap<string, Entry>) {
    this.#known = known;
  }

  add(entry: Entry): void {
    this.#items.push(entry);
  }

  get first(): Entry | undefined {
    for (let item = this.#items[this.#head]; item !== undefined; item = this.#items[this.#head]) {
      if (this.#known.get(item.key) === item) return item;
      this.#items[this.#head++] = undefined;
      if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
        this.#items = this.#items.slice(this.#head);
        this.#head = 0;
      }
    }
    return undefined;
  }
}
