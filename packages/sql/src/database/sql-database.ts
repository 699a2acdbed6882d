import { serviceName } from '@leveret/core';
import type { SqlDialect } from './sql-dialect.js';

/** What a statement gave: its rows, and how many rows it found or changed. */
export interface SqlResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rowCount: number;
}

/** Runs a statement. `text` has the placeholders of the dialect (`$1` or `?`); each parameter stands in it once, in order. */
export interface SqlExecutor {
  query(text: string, parameters?: readonly unknown[]): Promise<SqlResult>;
}

/**
 * A database as leveret uses it: the user's driver, or a query builder or mapper that stands on it. `Tx` is what they call
 * a transaction, and what handlers find as `context.transaction`.
 *
 * `postgresDatabase`, `mysqlDatabase` and `sqliteDatabase` make one of a driver; for others, three short functions do.
 */
export interface SqlDatabase<Tx = unknown> extends SqlExecutor {
  readonly dialect: SqlDialect;
  /**
   * Who uses it, such as `billing`: the same for all instances of a service, and for no other service. It is part of what
   * inbox, idempotency store and outbox write, so that services can share a database.
   */
  readonly service: string;
  /**
   * Begins a transaction (READ COMMITTED), commits it when `work` resolves, and rolls it back when it rejects. Rejects
   * when it could not be committed, and when nobody knows whether it was.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs statements in that transaction. */
  within(tx: Tx): SqlExecutor;
}

/** @throws {ConfigurationError} when the database does not say which service uses it */
export function serviceOf(database: { readonly service: string }, name = 'the SqlDatabase'): string {
  return serviceName((database as Partial<SqlDatabase> | undefined)?.service, name);
}
