import { type SqlDatabase, type SqlExecutor, type SqlResult, serviceOf } from '../database/sql-database.js';
import { databaseBusy } from '../database/sql-fault.js';
import { textLiteral } from '../database/sql-text.js';

/** What an outbox holds. */
export interface OutboxCounts {
  /** Waiting to be published, or being published. */
  readonly pending: number;
  /** Refused for good: somebody has to look at them. */
  readonly parked: number;
  /** Pending ones that wait behind a parked one with the same order key. */
  readonly heldUp: number;
  /** Age of the oldest pending message in milliseconds, 0 when there is none: how far the relays are behind. */
  readonly oldestPendingMs: number;
}

/** Codes of a statement that ran out of time: PostgreSQL, MariaDB, MySQL. */
const OUT_OF_TIME: ReadonlySet<unknown> = new Set(['57014', 'ER_STATEMENT_TIMEOUT', 'ER_QUERY_TIMEOUT']);

/** Counts in one pass over the keys, which ends when its time is up. SQLite knows no such limit. */
export async function countOutbox<Tx>(database: SqlDatabase<Tx>, timeoutMs: number): Promise<OutboxCounts> {
  try {
    const { rows } = await database.transaction((tx) => counted(database.within(tx), database, timeoutMs));
    const number = (name: string) => Number(rows[0]?.[name] ?? 0);
    return {
      pending: number('pending'),
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

async function counted(
  executor: SqlExecutor,
  database: Pick<SqlDatabase, 'dialect' | 'service'>,
  timeoutMs: number,
): Promise<SqlResult> {
  const { name, now } = database.dialect;
  const own = `service = ${textLiteral(name, serviceOf(database))}`;
  // Rows without a key are a group too, in which nothing is held up.
  const grouped = `SELECT sum(n - parked) AS pending, sum(parked) AS parked, ${now} - min(oldest) AS oldest_ms,
      sum(CASE WHEN keyed = 1 AND parked > 0 THEN n - parked ELSE 0 END) AS held_up
    FROM (SELECT count(*) AS n, count(parked_at) AS parked, min(CASE WHEN parked_at IS NULL THEN created_at END) AS oldest,
      max(CASE WHEN order_key IS NULL THEN 0 ELSE 1 END) AS keyed FROM leveret_outbox WHERE ${own} GROUP BY order_key) AS k`;
  switch (name) {
    case 'postgres':
      // Enough memory for the keys of a large backlog, and no time for compiling what runs once.
      await executor.query(
        `SELECT set_config('statement_timeout', '${timeoutMs}', true), set_config('work_mem', '64MB', true), set_config('jit', 'off', true)`,
      );
      return executor.query(grouped);
    case 'sqlite':
      return executor.query(grouped);
    case 'mysql': {
      // What only MariaDB reads, and what only MySQL reads.
      const [forMariaDb, forMysql] = [
        `/*M! SET STATEMENT max_statement_time = ${timeoutMs / 1000} FOR */`,
        `/*+ MAX_EXECUTION_TIME(${timeoutMs}) */`,
      ];
      // All in indexes, without the messages.
      const count = `count(*) AS n, count(parked_at) AS parked FROM leveret_outbox FORCE INDEX (leveret_outbox_order) WHERE ${own} AND`;
      const oldest = `SELECT ${now} - created_at FROM leveret_outbox FORCE INDEX (PRIMARY) WHERE id =
        (SELECT id FROM leveret_outbox FORCE INDEX (leveret_outbox_parked) WHERE ${own} AND parked_at IS NULL ORDER BY id LIMIT 1)`;
      return executor.query(
        `${forMariaDb} SELECT ${forMysql} k.n - k.parked + u.n - u.parked AS pending, k.parked + u.parked AS parked,
           k.held_up AS held_up, (${oldest}) AS oldest_ms
         FROM (SELECT COALESCE(sum(n), 0) AS n, COALESCE(sum(parked), 0) AS parked,
             COALESCE(sum(CASE WHEN parked > 0 THEN n - parked ELSE 0 END), 0) AS held_up
           FROM (SELECT ${count} order_key IS NOT NULL GROUP BY order_key) AS g) AS k,
           (SELECT ${count} order_key IS NULL) AS u`,
      );
    }
  }
}
