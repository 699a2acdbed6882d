import { type Duration, durationMs, forLimits, pause, serviceName, systemClock } from '@leveret/core';
import { lenderOf } from './lent-transaction.js';
import { runTransaction } from './run-transaction.js';
import { SharedCommit } from './shared-commit.js';
import type { SqlDatabase, SqlExecutor, SqlResult } from './sql-database.js';
import { sqlite } from './sql-dialect.js';
import { databaseBusy, sqlFault } from './sql-fault.js';
import { type Opened, type Opening, sendsTogether } from './together.js';
import { Turns } from './turns.js';

/** What is needed of a statement of a synchronous SQLite driver. */
export interface SqliteStatement {
  /** Whether it gives rows, where the driver says so (better-sqlite3, libsql). */
  readonly reader?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: each driver has its own type of what can be bound
  all(...parameters: any[]): unknown[];
  // biome-ignore lint/suspicious/noExplicitAny: each driver has its own type of what can be bound
  run(...parameters: any[]): { readonly changes: number | bigint };
}

/** What is needed of a connection of better-sqlite3, libsql or `node:sqlite`. */
export interface SqliteConnection {
  prepare(text: string): SqliteStatement;
  exec(text: string): unknown;
}

/** Options of {@link sqliteDatabase}. */
export interface SqliteOptions {
  /** Who uses the database: see {@link SqlDatabase.service}. */
  readonly service: string;
  /** How long a lock of another connection is waited for. Default 2 s. */
  readonly busyTimeout?: Duration;
  /** How long a statement or a transaction waits for its turn on this connection. Default 30 s. */
  readonly turnTimeout?: Duration;
}

/** Wait between two tries for a lock of another connection. */
const BUSY_PAUSE_MS = 5;
/** Prepared statements kept; leveret has some twenty texts, and a few with lists of ids. */
const MAX_STATEMENTS = 100;

/**
 * Uses a connection of better-sqlite3, libsql or `node:sqlite`; a transaction is that connection. Transactions on it take
 * turns, and statements outside of them wait for theirs, because SQLite would let them join whatever transaction is open.
 *
 * The connection should be leveret's own: its `busy_timeout` is set to 0, because a driver that waits for a lock stops the
 * whole process, also the handler that holds it. Locks are waited for without that. `PRAGMA journal_mode = WAL` is advised.
 * @throws {ConfigurationError} when `service` is missing, or an option is out of range
 */
export function sqliteDatabase<Connection extends SqliteConnection>(
  connection: Connection,
  options: SqliteOptions,
): SqlDatabase<Connection> {
  const service = serviceName(options?.service, 'sqliteDatabase');
  const busyTimeoutMs = durationMs(options.busyTimeout ?? '2s', 'busyTimeout');
  const turnTimeoutMs = durationMs(options.turnTimeout ?? '30s', 'turnTimeout');
  const turns = new Turns(forLimits(systemClock));
  const noTurn = (): never => {
    throw databaseBusy(
      `The connection was taken by transactions for ${turnTimeoutMs} ms. A handler has to use its transaction for all its statements.`,
    );
  };
  const patiently = <T>(act: () => T): T | Promise<T> => {
    try {
      return act();
    } catch (error) {
      if (sqlFault(error) !== 'busy') throw error;
      return retryWhileBusy(act, busyTimeoutMs, error);
    }
  };
  const executors = new WeakMap<SqliteConnection, SyncExecutor>();
  const executorOf = (of: SqliteConnection): SyncExecutor => {
    const known = executors.get(of) ?? sqliteExecutor(of);
    executors.set(of, known);
    return known;
  };
  const within = (of: SqliteConnection): SqlExecutor => {
    const lender = lenderOf(of);
    if (lender === undefined) return executorOf(of);
    // Not through what is lent: statements are prepared once for all transactions.
    const executor = executorOf(lender.transaction as SqliteConnection);
    return {
      query: async (text, parameters) => {
        lender.check();
        return executor.querySync(text, parameters);
      },
    };
  };
  // Takes the lock for writing now: one that is upgraded later can fail, and waiting would not help it.
  const begin = () => patiently(() => connection.exec('BEGIN IMMEDIATE'));
  const commit = () => patiently(() => connection.exec('COMMIT'));
  connection.exec('PRAGMA busy_timeout = 0');
  const database: SqlDatabase<Connection> = {
    dialect: sqlite,
    service,
    query: (text, parameters) =>
      turns.take(
        turnTimeoutMs,
        async () => patiently(() => executorOf(connection).querySync(text, parameters)),
        noTurn,
      ),
    within,
    transaction: (work) =>
      turns.take(
        turnTimeoutMs,
        () =>
          runTransaction(
            connection,
            work,
            {
              begin,
              commit,
              rollback: async () => connection.exec('ROLLBACK'),
              release: (destroy) => {
                if (destroy) rollBackIfOpen(connection);
              },
            },
            { of: 'synchronous' },
          ),
        noTurn,
      ),
  };
  const query = ({ text, parameters }: Opening): Opened => {
    try {
      return { result: executorOf(connection).querySync(text, parameters) };
    } catch (fault) {
      return { fault };
    }
  };
  const shared = new SharedCommit(connection, {
    begin,
    beginWith: (savepoint, opening) =>
      patiently(() => {
        connection.exec(`SAVEPOINT ${savepoint}`);
        const opened = query(opening);
        if (!('fault' in opened) || sqlFault(opened.fault) !== 'busy') return opened;
        // It has no lock: the same again, from the beginning.
        rollBackIfOpen(connection);
        throw opened.fault;
      }),
    query,
    commit: (text) => patiently(() => connection.exec(text)),
    exec: (text) => connection.exec(text),
    rollBackIfOpen: () => rollBackIfOpen(connection),
  });
  const nextJoins = () => turns.nextJoins;
  sendsTogether<Connection>(database, async (opening, work) => {
    const done = await turns.take(turnTimeoutMs, () => shared.run(opening, work, nextJoins), noTurn, true);
    if (done.committed !== undefined) await done.committed;
    return done.value.value;
  });
  return database;
}

interface SyncExecutor extends SqlExecutor {
  querySync(text: string, parameters?: readonly unknown[]): SqlResult;
}

/** A statement that is kept, and whether it gives rows. */
interface Kept {
  readonly statement: SqliteStatement;
  readonly reads: boolean;
}

function sqliteExecutor(connection: SqliteConnection): SyncExecutor {
  const statements = new Map<string, Kept>();
  const prepared = (text: string): Kept => {
    const known = statements.get(text);
    if (known !== undefined) return known;
    const statement = connection.prepare(text);
    const kept = { statement, reads: statement.reader ?? GIVES_ROWS.test(text) };
    const [oldest] = statements.keys();
    if (statements.size >= MAX_STATEMENTS && oldest !== undefined) statements.delete(oldest);
    statements.set(text, kept);
    return kept;
  };
  const querySync = (text: string, parameters: readonly unknown[] = []): SqlResult => {
    const { statement, reads } = prepared(text);
    if (reads) {
      const rows = statement.all(...parameters) as Record<string, unknown>[];
      return { rows, rowCount: rows.length };
    }
    return { rows: NO_ROWS, rowCount: Number(statement.run(...parameters).changes) };
  };
  return { querySync, query: async (text, parameters) => querySync(text, parameters) };
}

const NO_ROWS: SqlResult['rows'] = Object.freeze([]);

/** For drivers that do not say whether a statement gives rows. */
const GIVES_ROWS = /^\s*(?:SELECT|WITH|PRAGMA|EXPLAIN|VALUES)\b|\bRETURNING\b/i;

async function retryWhileBusy<T>(act: () => T, timeoutMs: number, busy: unknown): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    await pause(systemClock, BUSY_PAUSE_MS * (0.5 + Math.random()));
    try {
      return act();
    } catch (again) {
      if (sqlFault(again) !== 'busy') throw again;
    }
  }
  throw busy;
}

/** After a commit or a rollback that failed, the transaction may be open or not; the connection is used on. */
function rollBackIfOpen(connection: SqliteConnection): void {
  try {
    connection.exec('ROLLBACK');
  } catch {
    // Nothing was open.
  }
}
