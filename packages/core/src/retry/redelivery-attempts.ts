/** What is remembered of a message between its deliveries. */
export interface RememberedFailures {
  readonly failures: number;
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number;
  readonly lastFailedAt: number;
  readonly lastError: unknown;
  /** The wait for the next attempt, once it has begun; `since` is by the monotonic hand of the clock. */
  readonly waiting?: { readonly since: number; readonly delayMs: number } | undefined;
}

/**
 * Failed attempts by message, of one listener in this process: the memory of stateful retry, and of local retry across a
 * channel that was lost. Holds the most recent `capacity` messages; one that falls out starts counting anew, which costs
 * attempts but loses nothing.
 */
export class RedeliveryAttempts {
  readonly #capacity: number;
  readonly #byId = new Map<string, RememberedFailures>();

  /** @param capacity messages to remember, from 1; default 1000 as in Spring */
  constructor(capacity = 1000) {
    this.#capacity = capacity;
  }

  /** Failures of a message so far. A delivery that is not a redelivery is a new message: what was known is forgotten. */
  find(messageId: string, redelivered: boolean): RememberedFailures | undefined {
    if (!redelivered) this.#byId.delete(messageId);
    return this.#byId.get(messageId);
  }

  record(messageId: string, error: unknown, now: number): RememberedFailures {
    const before = this.#byId.get(messageId);
    const failures: RememberedFailures = {
      failures: (before?.failures ?? 0) + 1,
      firstFailedAt: before?.firstFailedAt ?? now,
      lastFailedAt: now,
      lastError: error,
    };
    this.#keep(messageId, failures);
    return failures;
  }

  /** The wait for the next attempt begins. */
  waits(messageId: string, since: number, delayMs: number): void {
    const before = this.#byId.get(messageId);
    if (before !== undefined) this.#keep(messageId, { ...before, waiting: { since, delayMs } });
  }

  forget(messageId: string): void {
    this.#byId.delete(messageId);
  }

  /** Messages remembered at the moment. */
  get size(): number {
    return this.#byId.size;
  }

  #keep(messageId: string, failures: RememberedFailures): void {
    // Deleting first moves the entry to the young end of the map's order.
    this.#byId.delete(messageId);
    this.#byId.set(messageId, failures);
    if (this.#byId.size > this.#capacity) {
      const oldest = this.#byId.keys().next().value as string;
      this.#byId.delete(oldest);
    }
  }
}
