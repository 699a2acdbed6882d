import type { SqlExecutor } from '../database/sql-database.js';
import type { SqlDialect, SqlDialectName } from '../database/sql-dialect.js';
import { sqlFault } from '../database/sql-fault.js';

/** The row of a message, and the one that a version without services would have written. */
export interface InboxRow {
  readonly listener: string;
  readonly before: string;
  readonly messageId: string;
  readonly lockTimeoutMs: number;
}

/** Whether the row was written; if not, `fault` is what the database said, if it said anything. */
export type Inserted = { readonly written: true } | { readonly written: false; readonly fault?: unknown };

/**
 * Writes the inbox row of a message unless it has one, one of before services had names included. While another
 * transaction has written it and not ended, this waits, for at most `lockTimeoutMs`; only this statement does: how long
 * the handler's own statements wait is as before. That nothing was written proves nothing: see {@link findRow}.
 */
export type InsertOnce = (executor: SqlExecutor, dialect: SqlDialect, row: InboxRow) => Promise<Inserted>;

const INTO = 'INSERT INTO leveret_inbox (listener, message_id, handled_at) SELECT ?, ?,';
const UNLESS_BEFORE = 'WHERE NOT EXISTS (SELECT 1 FROM leveret_inbox WHERE listener = ? AND message_id = ?)';

const parametersOf = ({ listener, before, messageId }: InboxRow) => [listener, messageId, before, messageId];

export const INSERT_ONCE: Readonly<Record<SqlDialectName, InsertOnce>> = {
  // One round trip: the settings are read before the row is written, and put back behind it. A duplicate leaves the
  // timeout in place, in a transaction that ends at once.
  postgres: async (executor, dialect, row) => {
    const text = `WITH setting AS MATERIALIZED (
        SELECT current_setting('lock_timeout') AS before, set_config('lock_timeout', '${Math.ceil(row.lockTimeoutMs)}', true)
      )
      ${INTO} ${dialect.now} FROM setting ${UNLESS_BEFORE}
      ON CONFLICT DO NOTHING
      RETURNING set_config('lock_timeout', (SELECT before FROM setting), true)`;
    const { rows } = await executor.query(dialect.placeholders(text), parametersOf(row));
    return { written: rows.length === 1 };
  },

  mysql: async (executor, dialect, row) => {
    const seconds = Math.max(1, Math.ceil(row.lockTimeoutMs / 1000));
    await executor.query(
      `SET @leveret_lock_wait = @@SESSION.innodb_lock_wait_timeout, SESSION innodb_lock_wait_timeout = ${seconds}`,
    );
    try {
      // Without IGNORE: it would pass over every other fault as well.
      const { rowCount } = await executor.query(`${INTO} ${dialect.now} FROM DUAL ${UNLESS_BEFORE}`, parametersOf(row));
      return { written: rowCount === 1 };
    } catch (fault) {
      // The transaction goes on, and the row says whether it was this one that is written already.
      if (sqlFault(fault) === 'other') return { written: false, fault };
      throw fault;
    } finally {
      await executor.query('SET SESSION innodb_lock_wait_timeout = @leveret_lock_wait');
    }
  },

  // The transaction has the only lock for writing.
  sqlite: async (executor, dialect, row) => {
    const text = `${INTO} ${dialect.now} ${UNLESS_BEFORE} ON CONFLICT DO NOTHING`;
    return { written: (await executor.query(text, parametersOf(row))).rowCount === 1 };
  },
};

/**
 * Whether the row of a message is there, as the database has it now: a duplicate is proved by it, and by nothing else. A
 * trigger, a rule or a fault of another table can keep a row from being written without an error.
 */
export async function findRow(executor: SqlExecutor, dialect: SqlDialect, row: InboxRow): Promise<boolean> {
  // On MySQL a reading lock sees what was committed since the transaction began, in every isolation level.
  const latest = dialect.name === 'mysql' ? ' LOCK IN SHARE MODE' : '';
  const text = `SELECT 1 FROM leveret_inbox WHERE listener IN (?, ?) AND message_id = ? LIMIT 1${latest}`;
  const { rows } = await executor.query(dialect.placeholders(text), [row.listener, row.before, row.messageId]);
  return rows.length > 0;
}
