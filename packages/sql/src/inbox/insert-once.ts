import type { SqlExecutor } from '../database/sql-database.js';
import type { SqlDialect, SqlDialectName } from '../database/sql-dialect.js';

/**
 * Writes the inbox row of a message, and answers whether it was not there before. While another transaction has written it
 * and not ended, this waits, for at most `lockTimeoutMs`; only this statement does: how long the handler's own statements
 * wait is as before.
 */
export type InsertOnce = (
  executor: SqlExecutor,
  dialect: SqlDialect,
  row: { readonly listener: string; readonly messageId: string; readonly lockTimeoutMs: number },
) => Promise<boolean>;

const COLUMNS = 'leveret_inbox (listener, message_id, handled_at)';

export const INSERT_ONCE: Readonly<Record<SqlDialectName, InsertOnce>> = {
  // One round trip: the settings are read before the row is written, and put back behind it. A duplicate leaves the
  // timeout in place, in a transaction that ends at once.
  postgres: async (executor, dialect, { listener, messageId, lockTimeoutMs }) => {
    const text = `WITH setting AS MATERIALIZED (
        SELECT current_setting('lock_timeout') AS before, set_config('lock_timeout', '${Math.ceil(lockTimeoutMs)}', true)
      )
      INSERT INTO ${COLUMNS} SELECT ?, ?, ${dialect.now} FROM setting
      ON CONFLICT DO NOTHING
      RETURNING set_config('lock_timeout', (SELECT before FROM setting), true)`;
    const { rows } = await executor.query(dialect.placeholders(text), [listener, messageId]);
    return rows.length === 1;
  },

  mysql: async (executor, dialect, { listener, messageId, lockTimeoutMs }) => {
    const seconds = Math.max(1, Math.ceil(lockTimeoutMs / 1000));
    await executor.query(
      `SET @leveret_lock_wait = @@SESSION.innodb_lock_wait_timeout, SESSION innodb_lock_wait_timeout = ${seconds}`,
    );
    try {
      // Keys are checked to fit before: IGNORE would cut them.
      const { rowCount } = await executor.query(`INSERT IGNORE INTO ${COLUMNS} VALUES (?, ?, ${dialect.now})`, [
        listener,
        messageId,
      ]);
      return rowCount === 1;
    } finally {
      await executor.query('SET SESSION innodb_lock_wait_timeout = @leveret_lock_wait');
    }
  },

  // The transaction has the only lock for writing.
  sqlite: async (executor, dialect, { listener, messageId }) => {
    const text = `INSERT INTO ${COLUMNS} VALUES (?, ?, ${dialect.now}) ON CONFLICT DO NOTHING`;
    return (await executor.query(text, [listener, messageId])).rowCount === 1;
  },
};
