import { backoffDelayMs, type Clock, type Logger, logSafely, pause } from '@leveret/core';
import { isTransactionConflict } from '../database/sql-fault.js';
import type { RelayHealth } from './relay-health.js';
import type { Settled, Settlement } from './relay-rows.js';
import type { RelayCounters } from './relay-stats.js';

/** What the writer needs of its relay. */
export interface WriterEnvironment {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: RelayCounters;
  readonly health: RelayHealth;
  settle(settlement: Settlement): Promise<Settled>;
  /** These rows are written down, or given up: nothing of them is in hand any more. */
  onWritten(ids: readonly number[]): void;
}

type Mutable = { -readonly [Part in keyof Settlement]: Settlement[Part][number][] };

/** Waits between the tries to write down what became of messages: what is not written is published again. */
const WRITE_PAUSES_MS = [50, 200, 1000];
/** Waits after deadlocks and serialization failures. */
export const CONFLICT_BACKOFF = { initialIntervalMs: 5, multiplier: 2, maxIntervalMs: 500, jitter: 1 };
const MOST_CONFLICTS = 10;

/** Writes down what became of messages; what settles while it writes goes along with the next write. */
export class SettlementWriter {
  readonly #env: WriterEnvironment;
  #next: Mutable = nothing();
  #writing = false;
  /** At the end of this turn of the event loop it writes. */
  #soon = false;

  constructor(env: WriterEnvironment) {
    this.#env = env;
  }

  add<Part extends keyof Settlement>(part: Part, ...what: Settlement[Part][number][]): void {
    (this.#next[part] as Settlement[Part][number][]).push(...what);
    if (this.#soon || this.#writing) return;
    this.#soon = true;
    // Confirms come many at a time.
    setImmediate(() => {
      this.#soon = false;
      this.writeNow();
    });
  }

  /** Begins to write what has settled, unless it writes already: in front of whatever its caller asks the database next. */
  writeNow(): void {
    if (!this.#writing && idsOf(this.#next).length > 0) void this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (idsOf(this.#next).length > 0) {
      const settlement = this.#next;
      this.#next = nothing();
      // Before it shows in the table: who sees the row gone finds it counted.
      this.#env.counters.published += settlement.confirmed.length;
      await this.#writeDown(settlement);
      this.#env.onWritten(idsOf(settlement));
    }
    // At once with the look that found nothing: what settles from now on has to begin another write.
    this.#writing = false;
  }

  /** What could not be written is leased until its lease ends by itself, and published again. */
  async #writeDown(settlement: Settlement): Promise<void> {
    const { clock, logger, counters, health } = this.#env;
    const pauses = [...WRITE_PAUSES_MS];
    for (let conflicts = 1; ; ) {
      try {
        const { deleted, parked } = await this.#env.settle(settlement);
        counters.lostLeases += settlement.confirmed.length - deleted;
        counters.parked += parked;
        health.well('write');
        if (parked > 0) this.#tellParked(settlement);
        return;
      } catch (err) {
        // Two transactions were in each other's way: the same again may work at once.
        if (isTransactionConflict(err) && conflicts <= MOST_CONFLICTS) {
          await pause(clock, backoffDelayMs(CONFLICT_BACKOFF, conflicts++));
          continue;
        }
        counters.databaseErrors++;
        health.amiss('write', err);
        const text = 'what became of messages of the outbox could not be written down';
        logSafely(logger, 'warn', { err, ids: idsOf(settlement).length }, text);
      }
      const pauseMs = pauses.shift();
      if (pauseMs === undefined) return;
      await pause(clock, pauseMs);
    }
  }

  #tellParked({ refused }: Settlement): void {
    for (const { id, delayMs, error } of refused) if (delayMs === 'never') this.#env.health.parked(id, error);
  }
}

function nothing(): Mutable {
  return { confirmed: [], keys: [], released: [], aside: [], refused: [] };
}

function idsOf({ confirmed, released, aside, refused }: Settlement): number[] {
  return [...confirmed, ...released.map(({ id }) => id), ...aside, ...refused.map(({ id }) => id)];
}
