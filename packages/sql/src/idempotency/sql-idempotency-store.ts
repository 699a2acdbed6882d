import { randomUUID } from 'node:crypto';
import { type Claim, type ClaimResult, errorText, type IdempotencyStore, LeveretError } from '@leveret/core';
import type { SqlExecutor, SqlResult } from '../database/sql-database.js';
import type { SqlDialect } from '../database/sql-dialect.js';
import { isTransactionConflict } from '../database/sql-fault.js';
import { type ClaimSql, claimSql } from './claim-sql.js';

/** Deadlocks and claims that end between two statements are met again; each time somebody else got on. */
const MAX_TRIES = 5;

/**
 * An idempotency store in a database table, shared by all instances of a service: for effects that are not in this
 * database. For those that are, a {@link TransactionalInbox} is simpler and stronger. Leases and times to live are counted
 * by the clock of the database. What is past its time is deleted by {@link purge}.
 */
export class SqlIdempotencyStore implements IdempotencyStore {
  readonly #database: SqlExecutor;
  readonly #sql: ClaimSql;

  /** Every statement has to be a transaction of its own: give it the database, never a transaction. */
  constructor(database: SqlExecutor & { readonly dialect: SqlDialect }) {
    this.#database = database;
    this.#sql = claimSql(database.dialect);
  }

  async claim(key: string, options: { readonly leaseMs: number }): Promise<ClaimResult> {
    const token = randomUUID();
    for (let tries = 1; ; tries++) {
      const written = await this.#ask('claim', key, this.#sql.claim, [key, token, Math.ceil(options.leaseMs)]);
      if (written.rows.length > 0) return { kind: 'claimed', token };
      const { rows } = await this.#ask('claim', key, this.#sql.find, [key]);
      const found = rows[0];
      if (found?.['token'] === token) return { kind: 'claimed', token };
      const left = Number(found?.['left_ms']);
      if (left > 0) return Number(found?.['completed']) === 1 ? { kind: 'completed' } : inProgress(left);
      // It was released, or ended, just now.
      if (tries >= MAX_TRIES) return inProgress(1);
    }
  }

  async complete(claim: Claim, options: { readonly ttlMs: number }): Promise<boolean> {
    const { key, token } = claim;
    const written = await this.#ask('complete', key, this.#sql.complete, [key, token, Math.ceil(options.ttlMs)]);
    if (written.rows.length > 0) return true;
    const { rows } = await this.#ask('complete', key, this.#sql.find, [key]);
    return rows[0]?.['token'] === token && Number(rows[0]?.['completed']) === 1;
  }

  async release(claim: Claim): Promise<void> {
    await this.#ask('release', claim.key, this.#sql.release, [claim.key, claim.token]);
  }

  async renew(claim: Claim, options: { readonly leaseMs: number }): Promise<boolean> {
    const { key, token } = claim;
    const written = await this.#ask('renew', key, this.#sql.renew, [Math.ceil(options.leaseMs), key, token]);
    if (written.rowCount > 0) return true;
    // MySQL may count only rows that it changed, and within one millisecond nothing changes.
    const { rows } = await this.#ask('renew', key, this.#sql.find, [key]);
    const found = rows[0];
    return found?.['token'] === token && Number(found?.['completed']) === 0 && Number(found?.['left_ms']) > 0;
  }

  async #ask(what: string, key: string, text: string, parameters: readonly unknown[]): Promise<SqlResult> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#database.query(text, parameters);
      } catch (cause) {
        if (isTransactionConflict(cause) && tries < MAX_TRIES) continue;
        const message = `Could not ${what} ${key} in the database: ${errorText(cause)}`;
        throw new LeveretError('LEV_IDEMPOTENCY_STORE', message, { cause });
      }
    }
  }
}

function inProgress(retryAfterMs: number): ClaimResult {
  return { kind: 'in-progress', retryAfterMs };
}
