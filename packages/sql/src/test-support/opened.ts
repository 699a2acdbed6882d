import type { SqlDatabase } from '../database/sql-database.js';
import type { SqliteConnection } from '../database/sqlite-database.js';

/** A database of the tests, and how to let go of it. Nothing of it depends on the driver's own transaction. */
export interface OpenDatabase {
  readonly database: SqlDatabase<unknown>;
  /** The connection of SQLite. */
  readonly connection?: SqliteConnection;
  close(): Promise<void>;
}

/** Told before a statement goes out, once it has, and when its answer is there. */
export type Step = () => void;

/** Runs a statement, and tells its steps. */
export async function observed<T>(step: Step, act: () => Promise<T>): Promise<T> {
  step();
  const answer = act();
  step();
  const result = await answer;
  step();
  return result;
}

export function anyTransaction<Tx>(database: SqlDatabase<Tx>): SqlDatabase<unknown> {
  return database as SqlDatabase<unknown>;
}
