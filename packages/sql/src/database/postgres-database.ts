import { type Duration, durationMs, forLimits, LeveretError, serviceName, systemClock } from '@leveret/core';
import { acquire } from './acquire.js';
import { runTransaction } from './run-transaction.js';
import type { SqlDatabase, SqlExecutor, SqlResult } from './sql-database.js';
import { postgres } from './sql-dialect.js';
import { ClosingFailed, type Opened, sendsTogether, type Worked } from './together.js';

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
  const limits = forLimits(systemClock);
  const acquireTimeoutMs = durationMs(options.acquireTimeout ?? '30s', 'acquireTimeout');
  const connect = async () => {
    const client = await acquire(
      limits,
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
  const transaction = async <T>(
    begin: (client: Client) => Promise<Opened | undefined>,
    work: (tx: Client, opened: Opened | undefined) => Promise<Worked<T>>,
  ): Promise<T> => {
    const { client, release } = await connect();
    let opened: Opened | undefined;
    let closed: SqlResult | undefined;
    let worked: Worked<T> | undefined;
    const { value, closed: valueWith } = await runTransaction(
      client,
      async (lent) => {
        worked = await work(lent, opened);
        return worked;
      },
      {
        begin: async () => {
          opened = await begin(client);
        },
        commit: async () => {
          closed = await commit(client, worked?.closing);
        },
        rollback: () => client.query('ROLLBACK'),
        release,
      },
      { of: 'connection' },
    );
    return closed === undefined || valueWith === undefined ? value : valueWith(closed);
  };
  const database: SqlDatabase<Client> = {
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
    transaction: (work) =>
      transaction(
        async (client) => {
          await client.query(BEGIN);
          return undefined;
        },
        async (tx) => ({ value: await work(tx) }),
      ),
  };
  sendsTogether(database, (opening, work) =>
    transaction(
      (client) =>
        client.query(`${BEGIN}; ${opening.text}`).then(
          (answer): Opened => ({ result: resultOf(lastOf(answer)) }),
          (fault: unknown): Opened => ({ fault }),
        ),
      work,
    ),
  );
  return database;
}

const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED';

/** What a closing statement says that fails: that a text is no number, or that a statement before it had failed. */
const NOT_TO_BE_COMMITTED: ReadonlySet<unknown> = new Set(['22P02', '25P02']);

/** Answers what the closing statement gave. */
async function commit(client: PostgresClient, closing: string | undefined): Promise<SqlResult | undefined> {
  try {
    const answer = await client.query(closing === undefined ? 'COMMIT' : `${closing}; COMMIT`);
    // What PostgreSQL answers when a statement has failed before and somebody swallowed its error.
    if (lastOf(answer).command === 'ROLLBACK') throw rolledBack();
    const closed = Array.isArray(answer) ? (answer as Answer[]).at(-2) : undefined;
    return closed === undefined ? undefined : resultOf(closed);
  } catch (error) {
    const code = (error as { readonly code?: unknown } | null)?.code;
    throw closing !== undefined && NOT_TO_BE_COMMITTED.has(code) ? new ClosingFailed(error) : error;
  }
}

type Answer = Awaited<ReturnType<PostgresClient['query']>>;

/** Of several statements in one text, `pg` answers each. */
function lastOf(answer: Answer): Answer {
  return Array.isArray(answer) ? ((answer as Answer[]).at(-1) as Answer) : answer;
}

function resultOf({ rows, rowCount }: Answer): SqlResult {
  return { rows, rowCount: rowCount ?? 0 };
}

/** Runs statements on a client of `pg`, such as the one of a transaction. */
export function postgresExecutor(client: PostgresClient): SqlExecutor {
  return {
    query: async (text, parameters = []) => resultOf(await client.query(text, [...parameters])),
  };
}

function rolledBack(): LeveretError {
  return new LeveretError(
    'LEV_INBOX_TRANSACTION',
    'PostgreSQL rolled the transaction back instead of committing it, because a statement in it had failed. Let such errors out of the handler.',
  );
}

function ignore(): void {}
