import { durationMs, serviceName, systemClock } from '@leveret/core';
import { acquire } from './acquire.js';
import type { PoolOptions } from './postgres-database.js';
import { runTransaction } from './run-transaction.js';
import type { SqlDatabase, SqlExecutor, SqlResult } from './sql-database.js';
import { mysql } from './sql-dialect.js';

/** What is needed of a connection of `mysql2/promise`. */
export interface MysqlClient {
  query(text: string): Promise<[unknown, unknown]>;
  // biome-ignore lint/suspicious/noExplicitAny: mysql2 has a narrower type of its own for each version
  execute(text: string, values?: any): Promise<[unknown, unknown]>;
}

/** A connection of a pool of `mysql2/promise` while it is taken out. */
export interface MysqlPoolConnection extends MysqlClient {
  release(): void;
  destroy(): void;
}

/** What is needed of a pool of `mysql2/promise`. */
export interface MysqlPool<Connection extends MysqlPoolConnection> extends MysqlClient {
  getConnection(): Promise<Connection>;
}

/**
 * Uses a pool of `mysql2/promise` (`createPool(…)`), on MySQL or MariaDB; a transaction is a connection of it.
 * @throws {ConfigurationError} when `service` is missing, or an option is out of range
 */
export function mysqlDatabase<Connection extends MysqlPoolConnection>(
  pool: MysqlPool<Connection>,
  options: PoolOptions,
): SqlDatabase<Connection> {
  const service = serviceName(options?.service, 'mysqlDatabase');
  const acquireTimeoutMs = durationMs(options.acquireTimeout ?? '30s', 'acquireTimeout');
  const connect = () =>
    acquire(
      systemClock,
      acquireTimeoutMs,
      () => pool.getConnection(),
      (late) => late.release(),
    );
  return {
    dialect: mysql,
    service,
    query: (text, parameters) => mysqlExecutor(pool).query(text, parameters),
    within: mysqlExecutor,
    transaction: async (work) => {
      const connection = await connect();
      return runTransaction(
        connection,
        work,
        {
          begin: async () => {
            // For the next transaction only.
            await connection.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
            await connection.query('START TRANSACTION');
          },
          commit: () => connection.query('COMMIT'),
          rollback: () => connection.query('ROLLBACK'),
          release: (destroy) => (destroy ? connection.destroy() : connection.release()),
        },
        { of: 'connection' },
      );
    },
  };
}

/** Runs statements on a connection of `mysql2/promise`, such as the one of a transaction. */
export function mysqlExecutor(connection: MysqlClient): SqlExecutor {
  return {
    query: async (text, parameters = []): Promise<SqlResult> => {
      // Parameters go to the server apart from the text: escaping them here would depend on its sql_mode.
      const [answer] =
        parameters.length === 0 ? await connection.query(text) : await connection.execute(text, parameters);
      if (Array.isArray(answer)) return { rows: answer, rowCount: answer.length };
      return { rows: [], rowCount: (answer as { affectedRows?: number }).affectedRows ?? 0 };
    },
  };
}
