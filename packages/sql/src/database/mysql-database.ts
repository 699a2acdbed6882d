import { durationMs, forLimits, serviceName, systemClock } from '@leveret/core';
import { acquire } from './acquire.js';
import { leftOpen, type MysqlSession, readMysqlSession } from './mysql-session.js';
import type { PoolOptions } from './postgres-database.js';
import { runTransaction } from './run-transaction.js';
import type { SqlDatabase, SqlExecutor, SqlResult } from './sql-database.js';
import { mysql } from './sql-dialect.js';
import { sqlFault } from './sql-fault.js';
import { ClosingFailed, type Opened, type Opening, sendsTogether, type Worked } from './together.js';

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

// Whatever completion_type says: the connection goes on, and without a transaction.
const COMMIT = 'COMMIT AND NO CHAIN NO RELEASE';
const ROLLBACK = 'ROLLBACK AND NO CHAIN NO RELEASE';
// For the next transaction only.
const ISOLATED = 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED';
const BEGIN = 'START TRANSACTION';

/** Several statements as one, on MariaDB. */
function block(...statements: readonly string[]): string {
  return `BEGIN NOT ATOMIC ${statements.map((statement) => `${statement}; `).join('')}END`;
}

/** Answers the rows that the closing statement gave. */
async function commit(connection: MysqlClient, closing: string | undefined): Promise<SqlResult | undefined> {
  try {
    const [answer] = await connection.query(closing === undefined ? COMMIT : block(closing, COMMIT));
    return Array.isArray(answer) ? resultOf(answer[0]) : undefined;
  } catch (error) {
    // What a closing statement signals.
    const signalled = (error as { readonly code?: unknown } | null)?.code === 'ER_SIGNAL_EXCEPTION';
    throw closing !== undefined && signalled ? new ClosingFailed(error) : error;
  }
}

/** A block answers the rows of its statements, and behind them that it has ended. */
async function openedBy(answering: Promise<[unknown, unknown]>): Promise<Opened> {
  try {
    const [answer] = await answering;
    return { result: resultOf((answer as readonly unknown[])[0]) };
  } catch (fault) {
    return { fault };
  }
}

/**
 * Uses a pool of `mysql2/promise` (`createPool(…)`), on MySQL or MariaDB; a transaction is a connection of it. How sessions
 * are set up by default (`autocommit`, isolation, `completion_type`, `sql_mode`, time zone) makes no difference; their
 * character set has to be utf8mb4, which is checked when a connection is first used.
 * @throws {ConfigurationError} when `service` is missing, or an option is out of range
 */
export function mysqlDatabase<Connection extends MysqlPoolConnection>(
  pool: MysqlPool<Connection>,
  options: PoolOptions,
): SqlDatabase<Connection> {
  const service = serviceName(options?.service, 'mysqlDatabase');
  const limits = forLimits(systemClock);
  const acquireTimeoutMs = durationMs(options.acquireTimeout ?? '30s', 'acquireTimeout');
  const connect = () =>
    acquire(
      limits,
      acquireTimeoutMs,
      () => pool.getConnection(),
      (late) => late.release(),
    );
  const sessions = new WeakMap<object, MysqlSession>();
  const sessionOf = async (connection: Connection): Promise<MysqlSession> => {
    // Each time it is taken out, mysql2 puts another wrapper around it.
    const key = (connection as { readonly connection?: object }).connection ?? connection;
    const session = sessions.get(key) ?? (await readMysqlSession(mysqlExecutor(connection)));
    sessions.set(key, session);
    return session;
  };
  const transaction = async <T>(
    opening: Opening | undefined,
    work: (tx: Connection, opened: Opened | undefined) => Promise<Worked<T>>,
  ): Promise<T> => {
    const connection = await connect();
    let opened: Opened | undefined;
    let closed: SqlResult | undefined;
    let worked: Worked<T> | undefined;
    const { value, closed: valueWith } = await runTransaction(
      connection,
      async (lent) => {
        worked = await work(lent, opened);
        return worked;
      },
      {
        begin: async () => {
          const { blocks } = await sessionOf(connection);
          if (opening !== undefined && blocks) {
            opened = await openedBy(connection.query(block(ISOLATED, BEGIN, opening.text)));
            return;
          }
          await connection.query(ISOLATED);
          await connection.query(BEGIN);
        },
        commit: async () => {
          closed = await commit(connection, worked?.closing);
        },
        rollback: () => connection.query(ROLLBACK),
        release: (destroy) => (destroy ? connection.destroy() : connection.release()),
      },
      { of: 'connection' },
    );
    return closed === undefined || valueWith === undefined ? value : valueWith(closed);
  };
  const database: SqlDatabase<Connection> = {
    dialect: mysql,
    service,
    query: async (text, parameters = []) => {
      const connection = await connect();
      let known = false;
      try {
        const { autocommit } = await sessionOf(connection);
        const answer = await answerTo(connection, text, parameters);
        if (!autocommit || leftOpen(answer)) await connection.query(COMMIT);
        known = true;
        return resultOf(answer);
      } catch (error) {
        known = sqlFault(error) !== 'read-only' && (await rolledBack(connection));
        throw error;
      } finally {
        if (known) connection.release();
        else connection.destroy();
      }
    },
    within: mysqlExecutor,
    transaction: (work) => transaction(undefined, async (tx) => ({ value: await work(tx) })),
  };
  sendsTogether(database, transaction);
  COMMITS_BY_ITSELF.add(database);
  return database;
}

/** Databases that commit a statement outside of a transaction whatever their sessions do. */
const COMMITS_BY_ITSELF = new WeakSet<object>();

export function commitsByItself(database: object): boolean {
  return COMMITS_BY_ITSELF.has(database);
}

/** Runs statements on a connection of `mysql2/promise`, such as the one of a transaction. */
export function mysqlExecutor(connection: MysqlClient): SqlExecutor {
  return { query: async (text, parameters = []) => resultOf(await answerTo(connection, text, parameters)) };
}

/**
 * Whatever `sql_safe_updates` says: leveret's own changes name their rows, but a server that looks at how it will find them
 * takes a small table, or a list of keys, for everything. MariaDB reads the first comment, MySQL the second.
 */
function evenInSafeMode(text: string): string {
  const [verb] = /^(?:UPDATE|DELETE)\b/.exec(text) ?? [];
  if (verb === undefined) return text;
  const rest = text.slice(verb.length);
  return `/*M! SET STATEMENT sql_safe_updates = 0 FOR */ ${verb} /*+ SET_VAR(sql_safe_updates = 0) */${rest}`;
}

async function answerTo(connection: MysqlClient, given: string, parameters: readonly unknown[]): Promise<unknown> {
  const text = evenInSafeMode(given);
  // Parameters go to the server apart from the text: escaping them here would depend on its sql_mode.
  const [answer] = parameters.length === 0 ? await connection.query(text) : await connection.execute(text, parameters);
  return answer;
}

function resultOf(answer: unknown): SqlResult {
  if (Array.isArray(answer)) return { rows: answer, rowCount: answer.length };
  return { rows: [], rowCount: (answer as { affectedRows?: number }).affectedRows ?? 0 };
}

/** Behind a statement that failed: what may be open is undone. Answers whether the connection is of further use. */
async function rolledBack(connection: MysqlClient): Promise<boolean> {
  try {
    await connection.query(ROLLBACK);
    return true;
  } catch {
    return false;
  }
}
