import { type Clock, type Logger, logSafely, pause } from '@leveret/core';
import type { SqlDatabase } from '../database/sql-database.js';
import { purgeBy } from './purge.js';
import { wakeStrandedKeys } from './stranded-keys.js';

/** What housekeeping works with. */
export interface HousekeepingEnvironment {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: { purged: number; databaseErrors: number };
  readonly health: {
    amiss(trouble: 'housekeeping', why: unknown): void;
    well(trouble: 'housekeeping'): void;
  };
  /** How long the inbox remembers; `undefined`: nothing is deleted. */
  readonly retentionMs: number | undefined;
}

const PURGE_EVERY_MS = 600_000;
const WAKE_EVERY_MS = 60_000;

/**
 * Keeps the tables in order, beside the delivery of messages and never in its way: it has a transaction of its own for a few
 * rows at a time, passes over what somebody else has locked, and rests for longer than it works.
 */
export class Housekeeping<Tx> {
  readonly #database: SqlDatabase<Tx>;
  readonly #env: HousekeepingEnvironment;
  readonly #stopping = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(database: SqlDatabase<Tx>, env: HousekeepingEnvironment) {
    this.#database = database;
    this.#env = env;
  }

  start(): void {
    const { retentionMs, clock } = this.#env;
    this.#running ??= Promise.all([
      this.#every(WAKE_EVERY_MS, 'order keys were not looked through', (signal) =>
        wakeStrandedKeys(this.#database, clock, signal),
      ),
      retentionMs === undefined
        ? undefined
        : this.#every(PURGE_EVERY_MS, 'old rows of the inbox were not deleted', (signal) =>
            this.#purge(retentionMs, signal),
          ),
    ]);
  }

  /** Ends between two transactions. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  #purge(retention: number, signal: AbortSignal): Promise<unknown> {
    const { clock, counters } = this.#env;
    return purgeBy(clock, this.#database, { retention, signal }, (rows) => {
      counters.purged += rows;
    });
  }

  async #every(ms: number, failed: string, chore: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const { clock, logger, counters, health } = this.#env;
    const { signal } = this.#stopping;
    // Relays that were started together should not do the same at once.
    await pause(clock, ms * Math.random(), signal);
    while (!signal.aborted) {
      try {
        await chore(signal);
        health.well('housekeeping');
      } catch (err) {
        counters.databaseErrors++;
        health.amiss('housekeeping', err);
        logSafely(logger, 'warn', { err }, failed);
      }
      await pause(clock, ms * (0.75 + Math.random() / 2), signal);
    }
  }
}
