import { type Logger, logSafely } from '../events/logger.js';
import { type BackoffPolicy, backoffDelayMs } from '../time/backoff.js';
import type { Clock } from '../time/clock.js';
import type { Claim } from './idempotency-store.js';

/** What writing down later stands on. */
export interface UnwrittenOptions {
  /** For how long remembering a message is of use. */
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One message that is handled and not remembered. */
interface Entry {
  readonly claim: Claim;
  readonly since: number;
  readonly tries: number;
  readonly cancel: () => void;
}

const PAUSES: BackoffPolicy = { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };
/** A key has some hundred bytes: a store that is away for long must not fill the memory. */
const MOST = 10_000;

/**
 * Messages that are handled although the store has not taken that yet. They are known as handled in this process, and it is
 * tried again and again to write them down: for as long as they would be remembered, and for 10,000 of them at most.
 */
export class Unwritten {
  readonly #complete: (claim: Claim) => Promise<boolean>;
  readonly #options: UnwrittenOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(complete: (claim: Claim) => Promise<boolean>, options: UnwrittenOptions) {
    this.#complete = complete;
    this.#options = options;
  }

  /** Whether the message of this key is handled, as far as this process knows. */
  has(key: string): boolean {
    return this.#entries.has(key);
  }

  add(claim: Claim): void {
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= MOST && oldest !== undefined) this.#giveUp(oldest, 'too many wait to be remembered');
    this.#later({ claim, since: this.#options.clock.monotonic(), tries: 0 });
  }

  /** Tries once more, at once, and gives up what still fails. */
  async flush(): Promise<void> {
    const entries = [...this.#entries.values()];
    for (const { cancel } of entries) cancel();
    await Promise.all(
      entries.map(async (entry) => {
        if (!(await this.#written(entry))) this.#giveUp(entry.claim.key, 'the application ends');
      }),
    );
  }

  #later({ claim, since, tries }: Omit<Entry, 'cancel'>): void {
    const { clock, ttlMs } = this.#options;
    const cancel = clock.after(backoffDelayMs(PAUSES, tries + 1), async () => {
      const entry = this.#entries.get(claim.key);
      if (entry === undefined || (await this.#written(entry))) return;
      // Flushed, or given up, meanwhile.
      if (this.#entries.get(claim.key) !== entry) return;
      if (clock.monotonic() - since >= ttlMs) this.#giveUp(claim.key, 'its time to live has passed');
      else this.#later({ claim, since, tries: tries + 1 });
    });
    this.#entries.set(claim.key, { claim, since, tries, cancel });
  }

  /** Whether the store has answered. Never rejects. */
  async #written({ claim }: Entry): Promise<boolean> {
    const { logger } = this.#options;
    try {
      const remembered = await this.#complete(claim);
      this.#entries.delete(claim.key);
      if (remembered) logSafely(logger, 'info', { key: claim.key }, 'a handled message is remembered now');
      else
        logSafely(
          logger,
          'error',
          { key: claim.key },
          'a handled message was claimed elsewhere: it may be handled twice',
        );
      return true;
    } catch (err) {
      logSafely(logger, 'warn', { err, key: claim.key }, 'a handled message is not remembered yet');
      return false;
    }
  }

  #giveUp(key: string, why: string): void {
    this.#entries.get(key)?.cancel();
    this.#entries.delete(key);
    logSafely(
      this.#options.logger,
      'error',
      { key, why },
      'a handled message is not remembered: it may be handled twice',
    );
  }
}
