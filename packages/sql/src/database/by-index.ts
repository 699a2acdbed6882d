import type { SqlExecutor } from './sql-database.js';
import type { SqlDialectName } from './sql-dialect.js';

/**
 * Lets PostgreSQL read by index only, in this transaction: without statistics it takes a large table for a small one, and
 * sorts all of it for a few rows. The others are told the index by its name.
 */
export async function byIndexOnly(executor: SqlExecutor, name: SqlDialectName): Promise<void> {
  if (name === 'postgres') await executor.query(BY_INDEX_ONLY);
}

/** The same as a text, on PostgreSQL. */
export const BY_INDEX_ONLY = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)`;
