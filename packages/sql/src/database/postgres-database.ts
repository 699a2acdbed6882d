import { type Duration, durationMs, LeveretError, serviceName, systemClock } from '@leveret/core';
import { acquire } from './acquire.js';
import { runTransaction } from './run-transaction.js';
import type { SqlDatabase, SqlExecutor, SqlResult } from './sql-database.js';
import { postgres } from './sql-dialect.js';

/** What is needed of a client of `pg`. */
export interface PostgresClient {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: Record<string, unknown>[]; readonly rowCount: number | null; readonly command?: string }>;
}

/** A client of a pool of `pg` while it is taken out. */
export interface PostgresPoolClient extends PostgresClient {
  release(destroy?: boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/** What is needed of a `Pool` of `pg`. */
export interface PostgresPool<Client extends PostgresPoolClient> extends PostgresClient {
  connect(): Promise<Client>;
}

/** Options of the adapters for pools. */
export interface PoolOptions {
  /** Who uses the database: see {@link SqlDatabase.service}. */
  readonly service: string;
  /** How long a transaction waits for a connection of the pool. Default 30 s. */
  readonly acquireTimeout?: Duration;
}

/**
 * Uses a pool of `pg` (`new Pool(…)`); a transaction is a `PoolClient` of it.
 * @throws {ConfigurationError} when `service` is missing, or an option is out of range
 */
export function postgresDatabase<Client extends PostgresPoolClient>(
  pool: PostgresPool<Client>,
  options: PoolOptions,
): SqlDatabase<Client> {
  const service = serviceName(options?.service, 'postgresDatabase');
  const acquireTimeoutMs = durationMs(options.acquireTimeout ?? '30s', 'acquireTimeout');
  const connect = async () => {
    const client = await acquire(
      systemClock,
      acquireTimeoutMs,
      () => pool.connect(),
      (late) => late.release(),
    );
    // A client that is taken out has no other listener, and a lost connection would end the process.
    client.on('error', ignore);
    const release = (destroy: boolean) => {
      client.off('error', ignore);
      client.release(destroy);
    };
    return { client, release };
  };
  return {
    dialect: postgres,
    service,
    query: async (text, parameters) => {
      const { client, release } = await connect();
      let failed = true;
      try {
        const result = await postgresExecutor(client).query(text, parameters);
        failed = false;
        return result;
      } finally {
        release(failed);
      }
    },
    within: postgresExecutor,
    transaction: async (work) => {
      const { client, release } = await connect();
      return runTransaction(
        client,
        work,
        {
          begin: () => client.query('BEGIN ISOLATION LEVEL READ COMMITTED'),
          commit: async () => {
            const { command } = await client.query('COMMIT');
            // What PostgreSQL answers when a statement has failed before and somebody swallowed its error.
            if (command === 'ROLLBACK') throw rolledBack();
          },
          rollback: () => client.query('ROLLBACK'),
          release,
        },
        { of: 'connection' },
      );
    },
  };
}

/** Runs statements on a client of `pg`, such as the one of a transaction. */
export function postgresExecutor(client: PostgresClient): SqlExecutor {
  return {
    query: async (text, parameters = []): Promise<SqlResult> => {
      const { rows, rowCount } = await client.query(text, [...parameters]);
      return { rows, rowCount: rowCount ?? 0 };
    },
  };
}

function rolledBack(): LeveretError {
  return new LeveretError(
    'LEV_INBOX_TRANSACTION',
    'PostgreSQL rolled the transaction back instead of committing it, because a statement in it had failed. Let such errors out of the handler.',
  );
}

function ignore(): void {}
