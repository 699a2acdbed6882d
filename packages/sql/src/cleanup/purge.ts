import { ConfigurationError, type Duration, describeValue, durationMs } from '@leveret/core';
import type { SqlDatabase } from '../database/sql-database.js';
import type { SqlDialect } from '../database/sql-dialect.js';
import { recordRetention } from '../schema/services.js';

/** What is deleted, and how much at a time. */
export interface PurgeOptions {
  /** How long the inbox remembers, at least. Has to be longer than the longest way back of a message. Default 7 days. */
  readonly retention?: Duration;
  /** Rows of one statement: each is a transaction of its own. From 1; default 5,000. */
  readonly batchSize?: number;
  /** Statements for each table; what is left waits for the next call. From 1; default 1,000. */
  readonly maxBatches?: number;
}

/** How many rows were deleted. */
export interface PurgeReport {
  readonly inbox: number;
  readonly claims: number;
}

/**
 * Deletes what the inbox has remembered for long enough, and claims that are past their time, in bounded statements, so
 * that nothing else waits for long. A relay does this by itself; call it where none runs. What is parked in the outbox is
 * never deleted. Of services that share a database, the longest `retention` counts for all.
 */
export async function purge<Tx>(database: SqlDatabase<Tx>, options: PurgeOptions = {}): Promise<PurgeReport> {
  const retentionMs = Math.ceil(durationMs(options.retention ?? '7d', 'retention'));
  const batchSize = whole(options.batchSize ?? 5_000, 'batchSize');
  const maxBatches = whole(options.maxBatches ?? 1_000, 'maxBatches');
  const { dialect } = database;
  const drain = async (table: string, key: string, past: string, column: string): Promise<number> => {
    const text = deleteSome(dialect, table, key, past, column, batchSize);
    let deleted = 0;
    for (let batch = 0; batch < maxBatches; batch++) {
      const { rowCount } = await database.query(text);
      deleted += rowCount;
      if (rowCount < batchSize) break;
    }
    return deleted;
  };
  // The inbox is shared: what one service would forget, another may still need.
  const longestMs = await recordRetention(database, retentionMs);
  const old = `handled_at <= ${dialect.now} - ${longestMs}`;
  const inbox = await drain('leveret_inbox', 'listener, message_id', old, 'handled_at');
  const claims = await drain('leveret_idempotency', 'claim_key', `ends_at <= ${dialect.now}`, 'ends_at');
  return { inbox, claims };
}

function deleteSome(dialect: SqlDialect, table: string, key: string, past: string, column: string, limit: number) {
  if (dialect.name === 'mysql') return `DELETE FROM ${table} WHERE ${past} ORDER BY ${column} LIMIT ${limit}`;
  const locks = dialect.name === 'postgres' ? ' FOR UPDATE SKIP LOCKED' : '';
  const some = `SELECT ${key} FROM ${table} WHERE ${past} ORDER BY ${column} LIMIT ${limit}${locks}`;
  return `DELETE FROM ${table} WHERE (${key}) IN (${some})`;
}

function whole(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new ConfigurationError([`${name} must be a whole number from 1; got ${describeValue(value)}`]);
}
