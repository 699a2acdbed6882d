import { type Clock, type Logger, logSafely } from '@leveret/core';
import type { SqlDatabase } from '../database/sql-database.js';
import { renewLeases } from './relay-rows.js';
import type { RowsInHand } from './rows-in-hand.js';

/** What renewing leases needs of its relay. */
export interface RenewalEnvironment {
  readonly database: SqlDatabase<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: { databaseErrors: number };
  readonly leaseMs: number;
}

/**
 * Keeps the leases of what is in hand. A publish may wait for minutes, as while the broker has an alarm: nobody else should
 * publish the same meanwhile.
 */
export class LeaseRenewal {
  readonly #env: RenewalEnvironment;
  readonly #token: string;
  readonly #hand: RowsInHand;
  #cancel: (() => void) | undefined;
  #ended = false;

  constructor(env: RenewalEnvironment, token: string, hand: RowsInHand) {
    this.#env = env;
    this.#token = token;
    this.#hand = hand;
  }

  /** From now on, as long as anything is in hand. */
  begin(): void {
    if (this.#ended || this.#cancel !== undefined || this.#hand.size === 0) return;
    const { clock, leaseMs } = this.#env;
    this.#cancel = clock.after(leaseMs / 3, async () => {
      await this.#renew();
      this.#cancel = undefined;
      this.begin();
    });
  }

  /** What is in hand now is left to whoever looks when its lease ends. */
  end(): void {
    this.#ended = true;
    this.#cancel?.();
  }

  async #renew(): Promise<void> {
    const { clock, database, leaseMs, counters, logger } = this.#env;
    const { ids } = this.#hand;
    if (ids.length === 0) return;
    const askedAt = clock.monotonic();
    try {
      for (const id of await renewLeases(database, this.#token, ids, leaseMs)) {
        const held = this.#hand.get(id);
        if (held !== undefined) held.leasedUntil = askedAt + leaseMs;
      }
    } catch (err) {
      counters.databaseErrors++;
      logSafely(logger, 'warn', { err }, 'leases of the outbox were not renewed');
    }
  }
}
