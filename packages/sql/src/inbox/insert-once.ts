import type { SqlExecutor } from '../database/sql-database.js';
import { type SqlDialect, type SqlDialectName, sqlite } from '../database/sql-dialect.js';
import { sqlFault } from '../database/sql-fault.js';
import { textLiteral } from '../database/sql-text.js';
import type { Opened, Opening } from '../database/together.js';

/** The row of a message. */
export interface InboxRow {
  readonly listener: string;
  /** How a version without services would have named the listener, if there are such rows of it. */
  readonly before: string | undefined;
  readonly messageId: string;
  readonly lockTimeoutMs: number;
}

/** Whether the row was written; if not, `fault` is what the database said, if it said anything. */
export type Inserted =
  | { readonly written: true; readonly transaction?: string }
  | { readonly written: false; readonly fault?: unknown };

/**
 * Writes the inbox row of a message unless it has one, one of before services had names included. While another
 * transaction has written it and not ended, this waits, for at most `lockTimeoutMs`; only this statement does: how long
 * the handler's own statements wait is as before. That nothing was written proves nothing: see {@link findRow}.
 */
export type InsertOnce = (executor: SqlExecutor, dialect: SqlDialect, row: InboxRow) => Promise<Inserted>;

/** @param value makes what stands for a text: a placeholder, or the text itself */
function insert(dialect: SqlDialect, row: InboxRow, from: string, value: (text: string) => string): string {
  const { listener, before, messageId } = row;
  const unlessBefore =
    before === undefined
      ? ''
      : ` WHERE NOT EXISTS (SELECT 1 FROM leveret_inbox WHERE listener = ${value(before)} AND message_id = ${value(messageId)})`;
  const into = 'INSERT INTO leveret_inbox (listener, message_id, handled_at)';
  // Values are planned in half the time of a SELECT.
  if (from === '' && before === undefined) {
    return `${into} VALUES (${value(listener)}, ${value(messageId)}, ${dialect.now})`;
  }
  return `${into} SELECT ${value(listener)}, ${value(messageId)}, ${dialect.now} ${from}${unlessBefore}`;
}

const placeholder = () => '?';
const parametersOf = ({ listener, before, messageId }: InboxRow) =>
  before === undefined ? [listener, messageId] : [listener, messageId, before, messageId];
const secondsOf = ({ lockTimeoutMs }: InboxRow) => Math.max(1, Math.ceil(lockTimeoutMs / 1000));

export const INSERT_ONCE: Readonly<Record<SqlDialectName, InsertOnce>> = {
  // One round trip: the settings are read before the row is written, and put back behind it. A duplicate leaves the
  // timeout in place, in a transaction that ends at once.
  postgres: async (executor, dialect, row) => {
    const text = `WITH setting AS MATERIALIZED (
        SELECT current_setting('lock_timeout') AS before, set_config('lock_timeout', '${Math.ceil(row.lockTimeoutMs)}', true)
      )
      ${insert(dialect, row, 'FROM setting', placeholder)}
      ON CONFLICT DO NOTHING
      RETURNING set_config('lock_timeout', (SELECT before FROM setting), true)`;
    const { rows } = await executor.query(dialect.placeholders(text), parametersOf(row));
    return { written: rows.length === 1 };
  },

  mysql: async (executor, dialect, row) => {
    await executor.query(
      `SET @leveret_lock_wait = @@SESSION.innodb_lock_wait_timeout, SESSION innodb_lock_wait_timeout = ${secondsOf(row)}`,
    );
    try {
      // Without IGNORE: it would pass over every other fault as well.
      const text = insert(dialect, row, row.before === undefined ? '' : 'FROM DUAL', placeholder);
      const { rowCount } = await executor.query(text, parametersOf(row));
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
  sqlite: async (executor, _dialect, row) => {
    const { rowCount } = await executor.query(sqliteText(row), parametersOf(row));
    return { written: rowCount === 1 };
  },
};

/** One text for all messages, because a statement is looked up by it; and one for listeners with rows of before services had names. */
const [SQLITE_TEXT, SQLITE_TEXT_UNLESS_BEFORE] = [undefined, ''].map((before) => {
  const row = { listener: '', before, messageId: '', lockTimeoutMs: 0 };
  return `${insert(sqlite, row, '', placeholder)} ON CONFLICT DO NOTHING`;
}) as [string, string];

function sqliteText({ before }: InboxRow): string {
  return before === undefined ? SQLITE_TEXT : SQLITE_TEXT_UNLESS_BEFORE;
}

/** The same as the first statement of a transaction, for the databases that take it together with BEGIN. */
export function openingInsert(dialect: SqlDialect, row: InboxRow): Opening {
  if (dialect.name === 'sqlite') return { text: sqliteText(row), parameters: parametersOf(row) };
  const literal = (text: string) => textLiteral(dialect.name, text);
  switch (dialect.name) {
    case 'postgres':
      return {
        text: `SELECT set_config('leveret.lock_timeout', current_setting('lock_timeout'), true), set_config('lock_timeout', '${Math.ceil(row.lockTimeoutMs)}', true);
        ${insert(dialect, row, '', literal)} ON CONFLICT DO NOTHING
        RETURNING txid_current()::text AS transaction, set_config('lock_timeout', current_setting('leveret.lock_timeout'), true)`,
      };
    case 'mysql': {
      const text = insert(dialect, row, row.before === undefined ? '' : 'FROM DUAL', literal);
      return {
        text: `SET STATEMENT innodb_lock_wait_timeout = ${secondsOf(row)} FOR ${text}; SELECT ROW_COUNT() AS written`,
      };
    }
  }
}

/** What came of {@link openingInsert}. @throws what the database said, when the transaction cannot go on */
export function insertedBy(dialect: SqlDialect, opened: Opened): Inserted {
  if ('fault' in opened) {
    const { fault } = opened;
    // The transaction goes on, and the row says whether it was this one that is written already.
    if (dialect.name === 'mysql' && sqlFault(fault) === 'other') return { written: false, fault };
    throw fault;
  }
  if (dialect.name === 'sqlite') return { written: opened.result.rowCount === 1 };
  const [row] = opened.result.rows;
  if (dialect.name === 'mysql') return { written: Number(row?.['written']) === 1 };
  return row === undefined ? { written: false } : { written: true, transaction: String(row['transaction']) };
}

/** What whoever has ended a transaction is told. */
export const ROW_IS_GONE = 'its inbox row is gone';

/**
 * A closing statement that fails when the transaction is not the one any more that wrote the row, or has failed. None on
 * SQLite, where the commit fails then.
 * @param transaction its number, on PostgreSQL
 */
export function stillText(dialect: SqlDialect, row: InboxRow, transaction: string | undefined): string | undefined {
  if (dialect.name === 'sqlite') return undefined;
  if (transaction !== undefined) {
    const number = /^\d+$/.test(transaction) ? transaction : '-1';
    // No number: a text that says why.
    return `SELECT CAST(CASE WHEN txid_current_if_assigned() = ${number} THEN '1' ELSE '${ROW_IS_GONE}' END AS integer)`;
  }
  const [listener, messageId] = [row.listener, row.messageId].map((text) => textLiteral(dialect.name, text));
  const found = `SELECT 1 FROM leveret_inbox WHERE listener = ${listener} AND message_id = ${messageId} LOCK IN SHARE MODE`;
  return `IF NOT EXISTS (${found}) THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${ROW_IS_GONE}'; END IF`;
}

/**
 * Whether the row of a message is there, as the database has it now: a duplicate is proved by it, and by nothing else. A
 * trigger, a rule or a fault of another table can keep a row from being written without an error.
 */
export async function findRow(executor: SqlExecutor, dialect: SqlDialect, row: InboxRow): Promise<boolean> {
  // On MySQL a reading lock sees what was committed since the transaction began, in every isolation level.
  const latest = dialect.name === 'mysql' ? ' LOCK IN SHARE MODE' : '';
  const { listener, before, messageId } = row;
  const [listeners, names] = before === undefined ? ['= ?', [listener]] : ['IN (?, ?)', [listener, before]];
  const text = `SELECT 1 FROM leveret_inbox WHERE listener ${listeners} AND message_id = ? LIMIT 1${latest}`;
  const { rows } = await executor.query(dialect.placeholders(text), [...names, messageId]);
  return rows.length > 0;
}

/** Whether a listener has rows of before services had names. */
export async function hasRowsBefore(executor: SqlExecutor, dialect: SqlDialect, before: string): Promise<boolean> {
  const text = dialect.placeholders('SELECT 1 FROM leveret_inbox WHERE listener = ? LIMIT 1');
  return (await executor.query(text, [before])).rows.length > 0;
}
