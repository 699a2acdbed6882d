import { randomUUID } from 'node:crypto';
import {
  type ApplicationIdentity,
  backoffDelayMs,
  boundedKey,
  type Claim,
  type ClaimResult,
  errorText,
  type IdempotencyStore,
  LeveretError,
  pause,
  type StoreConcern,
  serviceKey,
  systemClock,
} from '@leveret/core';
import { type SqlDatabase, type SqlResult, serviceOf } from '../database/sql-database.js';
import { isTransactionConflict } from '../database/sql-fault.js';
import { checkServer, checkSessions } from '../schema/server-check.js';
import { type ClaimSql, claimSql } from './claim-sql.js';

/** Deadlocks and claims that end between two statements are met again; each time somebody else got on. */
const MAX_TRIES = 6;
const CONFLICT_BACKOFF = { initialIntervalMs: 5, multiplier: 3, maxIntervalMs: 200, jitter: 0.5 };

/** What is kept under a key. */
interface Found {
  readonly token: unknown;
  readonly completed: boolean;
  readonly leftMs: number;
}

/**
 * An idempotency store in a database table, shared by all instances of a service: for effects that are not in this
 * database. For those that are, a {@link TransactionalInbox} is simpler and stronger. Leases and times to live are counted
 * by the clock of the database. What is past its time is deleted by {@link purge}.
 *
 * An answer is what was written, or what was read; a statement that wrote nothing proves nothing (LEV_IDEMPOTENCY_STORE).
 */
export class SqlIdempotencyStore implements IdempotencyStore {
  /** Whose messages it remembers: the service of the database. */
  readonly service: string;
  readonly #database: SqlDatabase<unknown>;
  readonly #sql: ClaimSql;
  #sessions: Promise<void> | undefined;

  /**
   * Every statement has to be a transaction of its own: give it the database, never a transaction.
   * @throws {ConfigurationError} when the database does not say which service uses it
   */
  constructor(database: SqlDatabase<unknown>) {
    this.service = serviceOf(database);
    this.#database = database;
    this.#sql = claimSql(database.dialect);
  }

  /** Writes down who uses it, and asks the database whether what it commits is safe. */
  check(application: ApplicationIdentity): Promise<readonly StoreConcern[]> {
    return checkServer(this.#database, application);
  }

  async claim(key: string, options: { readonly leaseMs: number }): Promise<ClaimResult> {
    const token = randomUUID();
    const own = serviceKey(this.service, key);
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const parameters = [own, token, Math.ceil(options.leaseMs), boundedKey(key)];
      const written = await this.#ask('claim', key, this.#sql.claim, parameters);
      if (written.rows.length > 0) return { kind: 'claimed', token };
      const found = await this.#find('claim', key);
      if (found.some((each) => each.token === token)) return { kind: 'claimed', token };
      const standing = found.filter(({ leftMs }) => leftMs > 0);
      if (standing.some(({ completed }) => completed)) return { kind: 'completed' };
      const [other] = standing;
      if (other !== undefined) return { kind: 'in-progress', retryAfterMs: other.leftMs };
      // It was released, or ended, just now.
    }
    throw unproved('claim', key);
  }

  async complete(claim: Claim, options: { readonly ttlMs: number }): Promise<boolean> {
    const { key, token } = claim;
    const own = serviceKey(this.service, key);
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const written = await this.#ask('complete', key, this.#sql.complete, [own, token, Math.ceil(options.ttlMs)]);
      if (written.rows.length > 0) return true;
      const found = await this.#find('complete', key);
      if (found.some((each) => each.token === token && each.completed)) return true;
      if (found.some((each) => each.token !== token && each.leftMs > 0)) return false;
    }
    throw unproved('complete', key);
  }

  async release(claim: Claim): Promise<void> {
    const own = serviceKey(this.service, claim.key);
    await this.#ask('release', claim.key, this.#sql.release, [own, claim.token]);
  }

  async renew(claim: Claim, options: { readonly leaseMs: number }): Promise<boolean> {
    const { key, token } = claim;
    const leaseMs = Math.ceil(options.leaseMs);
    const written = await this.#ask('renew', key, this.#sql.renew, [leaseMs, serviceKey(this.service, key), token]);
    if (written.rowCount > 0) return true;
    // MySQL may count only rows that it changed, and within one millisecond nothing changes.
    const found = await this.#find('renew', key);
    const mine = found.find((each) => each.token === token && !each.completed && each.leftMs > 0);
    if (mine === undefined) return false;
    if (mine.leftMs >= leaseMs * RENEWED) return true;
    throw unproved('renew', key);
  }

  async #find(what: string, key: string): Promise<readonly Found[]> {
    const { rows } = await this.#ask(what, key, this.#sql.find, [serviceKey(this.service, key), boundedKey(key)]);
    return rows.map((row) => ({
      token: row['token'],
      completed: Number(row['completed']) === 1,
      leftMs: Number(row['left_ms']),
    }));
  }

  /** Before the first question: on sessions that commit nothing, every claim would be granted. */
  #checked(): Promise<void> {
    this.#sessions ??= checkSessions(this.#database).catch((error) => {
      this.#sessions = undefined;
      throw error;
    });
    return this.#sessions;
  }

  async #ask(what: string, key: string, text: string, parameters: readonly unknown[]): Promise<SqlResult> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#checked();
        return await this.#database.query(text, parameters);
      } catch (cause) {
        if (!isTransactionConflict(cause) || tries >= MAX_TRIES) {
          const message = `Could not ${what} ${key} in the database: ${errorText(cause)}`;
          throw new LeveretError('LEV_IDEMPOTENCY_STORE', message, { cause });
        }
      }
      await pause(systemClock, backoffDelayMs(CONFLICT_BACKOFF, tries));
    }
  }
}

/** What is left of a lease that was renewed in this moment, as a part of it. */
const RENEWED = 0.9;

function unproved(what: string, key: string): LeveretError {
  return new LeveretError(
    'LEV_IDEMPOTENCY_STORE',
    `Could not ${what} ${key}: the database wrote nothing to leveret_idempotency, reported no fault, and has no row that says why. See what triggers, rules and partitions the table has.`,
  );
}
