import { byIndexOnly } from '../database/by-index.js';
import { type SqlDatabase, type SqlExecutor, type SqlResult, serviceOf } from '../database/sql-database.js';
import type { SqlDialectName } from '../database/sql-dialect.js';
import { databaseBusy } from '../database/sql-fault.js';
import { textLiteral } from '../database/sql-text.js';
import type { SqlPlace } from './wake-keys.js';

/** What an outbox holds. */
export interface OutboxCounts {
  /** Waiting to be published, or being published. */
  readonly pending: number;
  /** Pending ones whose time has not come: they were published with `delay` or `deliverAt`. */
  readonly scheduled: number;
  /** Refused for good: somebody has to look at them. */
  readonly parked: number;
  /** Pending ones that wait behind a parked one with the same order key. */
  readonly heldUp: number;
  /**
   * Age of the oldest pending message in milliseconds, 0 when there is none: how far the relays are behind. The age of one that
   * was published with a delay counts from when its time comes.
   */
  readonly oldestPendingMs: number;
}

/** Codes of a statement that ran out of time: PostgreSQL, MariaDB, MySQL. */
const OUT_OF_TIME: ReadonlySet<unknown> = new Set(['57014', 'ER_STATEMENT_TIMEOUT', 'ER_QUERY_TIMEOUT']);

/** Part of the pages of a PostgreSQL table that may be read by an index alone, from which on it is. */
const MOSTLY = 0.75;

/** Counts in one pass over indexes or the table, which ends when its time is up. SQLite knows no such limit. */
export async function countOutbox<Tx>(database: SqlDatabase<Tx>, timeoutMs: number): Promise<OutboxCounts> {
  try {
    const { rows } = await database.transaction((tx) => counted(database.within(tx), database, timeoutMs));
    const number = (name: string) => Number(rows[0]?.[name] ?? 0);
    return {
      pending: number('pending'),
      scheduled: number('scheduled'),
      parked: number('parked'),
      heldUp: number('held_up'),
      oldestPendingMs: Math.max(0, number('oldest_ms')),
    };
  } catch (error) {
    if (!OUT_OF_TIME.has((error as { code?: unknown } | null)?.code)) throw error;
    throw databaseBusy(
      `The outbox could not be counted within ${timeoutMs} ms. Give counts() a longer timeout.`,
      error,
    );
  }
}

/** Of MySQL and SQLite one index has all that is asked for. */
const INDEX: Readonly<Record<SqlDialectName, string>> = {
  postgres: '',
  mysql: ' FORCE INDEX (leveret_outbox_order)',
  sqlite: ' INDEXED BY leveret_outbox_order',
};

/**
 * What is selected, and from where.
 * @param by indexes that have all that is asked for, or (PostgreSQL) the table from its beginning to its end
 */
export function countsOf(place: SqlPlace, by: 'index' | 'table'): string {
  const { name, now } = place.dialect;
  const from = `FROM leveret_outbox${INDEX[name]} WHERE service = ${textLiteral(name, serviceOf(place))}`;
  const columns =
    'count(*) AS n, count(parked_at) AS parked, min(CASE WHEN parked_at IS NULL THEN created_at END) AS oldest';
  // The time is asked once, not for each row. Only what has no key can have been delayed.
  const later = `COALESCE(sum(CASE WHEN parked_at IS NULL AND created_at > (SELECT ${now}) THEN 1 ELSE 0 END), 0)`;
  const sums = 'COALESCE(sum(n), 0) AS n, COALESCE(sum(parked), 0) AS parked, min(oldest) AS oldest';
  const heldUp =
    'COALESCE(sum(CASE WHEN order_key IS NOT NULL AND parked > 0 THEN n - parked ELSE 0 END), 0) AS held_up';
  if (by === 'table') {
    const scheduled = `CASE WHEN order_key IS NULL THEN ${later} ELSE 0 END AS scheduled`;
    return `n - parked AS pending, parked, scheduled, held_up, ${now} - oldest AS oldest_ms
      FROM (SELECT ${sums}, ${heldUp}, sum(scheduled) AS scheduled
        FROM (SELECT order_key, ${columns}, ${scheduled} ${from} GROUP BY order_key) AS g) AS k`;
  }
  return `k.n - k.parked + u.n - u.parked AS pending, k.parked + u.parked AS parked, u.scheduled AS scheduled, k.held_up AS held_up,
      ${now} - ${name === 'sqlite' ? 'min' : 'least'}(COALESCE(k.oldest, u.oldest), COALESCE(u.oldest, k.oldest)) AS oldest_ms
    FROM (SELECT ${sums}, ${heldUp} FROM (SELECT order_key, ${columns} ${from} AND order_key IS NOT NULL GROUP BY order_key) AS g) AS k,
      (SELECT ${columns}, ${later} AS scheduled ${from} AND order_key IS NULL) AS u`;
}

async function counted(executor: SqlExecutor, place: SqlPlace, timeoutMs: number): Promise<SqlResult> {
  const { name } = place.dialect;
  switch (name) {
    case 'postgres': {
      // No time for compiling what runs once.
      await executor.query(
        `SELECT set_config('statement_timeout', '${timeoutMs}', true), set_config('jit', 'off', true)`,
      );
      if (!(await mostlyVisible(executor))) return executor.query(`SELECT ${countsOf(place, 'table')}`);
      await byIndexOnly(executor, name);
      // In the order of the index, without memory for the keys.
      await executor.query(`SELECT set_config('enable_hashagg', 'off', true)`);
      return executor.query(`SELECT ${countsOf(place, 'index')}`);
    }
    case 'sqlite':
      return executor.query(`SELECT ${countsOf(place, 'index')}`);
    case 'mysql':
      // What only MariaDB reads, and what only MySQL reads.
      return executor.query(
        `/*M! SET STATEMENT max_statement_time = ${timeoutMs / 1000} FOR */ SELECT /*+ MAX_EXECUTION_TIME(${timeoutMs}) */ ${countsOf(place, 'index')}`,
      );
  }
}

/**
 * Whether an index alone can answer. Rows of pages that were not vacuumed since they were written have to be looked up in the
 * table, one by one in the order of keys, which takes longer than reading the table once.
 */
async function mostlyVisible(executor: SqlExecutor): Promise<boolean> {
  const { rows } = await executor.query(
    `SELECT relallvisible AS visible, pg_relation_size(oid) / current_setting('block_size')::int AS pages FROM pg_class WHERE oid = 'leveret_outbox'::regclass`,
  );
  return Number(rows[0]?.['visible'] ?? 0) >= MOSTLY * Number(rows[0]?.['pages'] ?? 0);
}
