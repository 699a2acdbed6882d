import type { SqlDatabase, SqlResult } from '../database/sql-database.js';
import type { SqlDialect } from '../database/sql-dialect.js';

/** A database that is none: it writes down what it is told, and answers as a test says. */
export interface RecordingDatabase {
  readonly database: SqlDatabase<unknown>;
  /** In the order they came, each on one line, and `BEGIN` for a transaction. */
  readonly sent: string[];
  readonly parameters: (readonly unknown[])[];
}

/** @param answer what a statement gives; it may throw. Default: nothing */
export function recordingDatabase(
  dialect: SqlDialect,
  answer: (text: string, parameters: readonly unknown[]) => Partial<SqlResult> = () => ({}),
  onBegin: () => void = () => {},
): RecordingDatabase {
  const sent: string[] = [];
  const all: (readonly unknown[])[] = [];
  const query = async (text: string, parameters: readonly unknown[] = []) => {
    sent.push(text.replace(/\s+/g, ' '));
    all.push(parameters);
    const given = answer(text, parameters);
    return { rows: [], rowCount: given.rows?.length ?? 0, ...given };
  };
  const database: SqlDatabase<unknown> = {
    dialect,
    service: 'test',
    query,
    within: () => ({ query }),
    transaction: async (work) => {
      sent.push('BEGIN');
      onBegin();
      return work(undefined);
    },
  };
  return { database, sent, parameters: all };
}
