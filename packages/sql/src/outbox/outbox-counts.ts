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

/** Counts in one pass over the indexes, which ends when its time is up. SQLite knows no such limit. */
export async function countOutbox<Tx>(database: SqlDatabase<Tx>, timeoutMs: number): Promise<OutboxCounts> {
  try {
    const { rows } = await database.transaction((tx) => counted(database.within(tx), database, timeoutMs));
    const number = (name: string) => Number(rows[0]?.[name] ?? 0);
    return {
      pending: number('pending'),
      scheduled: number('scheduled'),
      parked: number('parked'),
      heldUp: number('held_up'),
      oldestPendingMs: Math.max(0, number('keyed_ms'), number('unkeyed_ms')),
    };
  } catch (error) {
    if (!OUT_OF_TIME.has((error as { code?: unknown } | null)?.code)) throw error;
    throw databaseBusy(
      `The outbox could not be counted within ${timeoutMs} ms. Give counts() a longer timeout.`,
      error,
    );
  }
}

/** They have all that is asked for. PostgreSQL has one for rows with a key, and one for those without. */
const INDEX: Readonly<Record<SqlDialectName, string>> = {
  postgres: '',
  mysql: ' FORCE INDEX (leveret_outbox_order)',
  sqlite: ' INDEXED BY leveret_outbox_order',
};

/** What is selected, and from where. */
export function countsOf(place: SqlPlace): string {
  const { name, now } = place.dialect;
  const own = `service = ${textLiteral(name, serviceOf(place))}`;
  const table = `leveret_outbox${INDEX[name]}`;
  const columns =
    'count(*) AS n, count(parked_at) AS parked, min(CASE WHEN parked_at IS NULL THEN created_at END) AS oldest';
  // The time is asked once, not for each row.
  const scheduled = `COALESCE(sum(CASE WHEN parked_at IS NULL AND created_at > (SELECT ${now}) THEN 1 ELSE 0 END), 0) AS scheduled`;
  return `k.n - k.parked + u.n - u.parked AS pending, k.parked + u.parked AS parked, k.held_up AS held_up, u.scheduled AS scheduled,
      ${now} - k.oldest AS keyed_ms, ${now} - u.oldest AS unkeyed_ms
    FROM (SELECT COALESCE(sum(n), 0) AS n, COALESCE(sum(parked), 0) AS parked, min(oldest) AS oldest,
        COALESCE(sum(CASE WHEN parked > 0 THEN n - parked ELSE 0 END), 0) AS held_up
      FROM (SELECT ${columns} FROM ${table} WHERE ${own} AND order_key IS NOT NULL GROUP BY order_key) AS g) AS k,
      (SELECT ${columns}, ${scheduled} FROM ${table} WHERE ${own} AND order_key IS NULL) AS u`;
}

async function counted(executor: SqlExecutor, place: SqlPlace, timeoutMs: number): Promise<SqlResult> {
  const { name } = place.dialect;
  const text = countsOf(place);
  switch (name) {
    case 'postgres':
      await byIndexOnly(executor, name);
      // In the order of the index, without memory for the keys; and no time for compiling what runs once.
      await executor.query(
        `SELECT set_config('statement_timeout', '${timeoutMs}', true), set_config('enable_hashagg', 'off', true), set_config('jit', 'off', true)`,
      );
      return executor.query(`SELECT ${text}`);
    case 'sqlite':
      return executor.query(`SELECT ${text}`);
    case 'mysql':
      // What only MariaDB reads, and what only MySQL reads.
      return executor.query(
        `/*M! SET STATEMENT max_statement_time = ${timeoutMs / 1000} FOR */ SELECT /*+ MAX_EXECUTION_TIME(${timeoutMs}) */ ${text}`,
      );
  }
}
