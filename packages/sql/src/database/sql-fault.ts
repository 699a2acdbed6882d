import { LeveretError } from '@leveret/core';

/**
 * What an error of a database means for the transaction it came from.
 *
 * | fault | meaning | examples |
 * |---|---|---|
 * | `busy` | somebody holds a lock for longer than was waited | 55P03; 1205, 3572; SQLITE_BUSY |
 * | `read-only` | the server takes no writes, as one that was the primary before a failover: the connection is of no use any more | 25006; 1290, 1792, 1836; 1047 of Galera; SQLITE_READONLY |
 * | `conflict` | rolled back because of another transaction: the same again may work | 40001, 40P01; 1213, 1020; SQLITE_BUSY_SNAPSHOT |
 * | `other` | anything else | |
 */
export type SqlFault = 'busy' | 'conflict' | 'read-only' | 'other';

const FAULTS: ReadonlyMap<unknown, SqlFault> = new Map<unknown, SqlFault>([
  // PostgreSQL: lock_not_available, serialization_failure, deadlock_detected
  ['55P03', 'busy'],
  ['40001', 'conflict'],
  ['40P01', 'conflict'],
  // PostgreSQL: read_only_sql_transaction
  ['25006', 'read-only'],
  // MySQL and MariaDB: --read-only, a read-only transaction, read-only mode, a node that has lost its cluster
  ['ER_OPTION_PREVENTS_STATEMENT', 'read-only'],
  ['ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', 'read-only'],
  ['ER_READ_ONLY_MODE', 'read-only'],
  ['ER_UNKNOWN_COM_ERROR', 'read-only'],
  // MySQL and MariaDB
  ['ER_LOCK_WAIT_TIMEOUT', 'busy'],
  ['ER_LOCK_NOWAIT', 'busy'],
  ['ER_LOCK_DEADLOCK', 'conflict'],
  ['ER_CHECKREAD', 'conflict'],
  // SQLite
  ['SQLITE_BUSY', 'busy'],
  ['SQLITE_LOCKED', 'busy'],
  ['SQLITE_BUSY_SNAPSHOT', 'conflict'],
  ['SQLITE_READONLY', 'read-only'],
  ['SQLITE_READONLY_DBMOVED', 'read-only'],
  ['SQLITE_READONLY_DIRECTORY', 'read-only'],
  ['SQLITE_READONLY_RECOVERY', 'read-only'],
  ['SQLITE_READONLY_CANTINIT', 'read-only'],
  ['SQLITE_READONLY_CANTLOCK', 'read-only'],
  ['SQLITE_READONLY_ROLLBACK', 'read-only'],
  // Prisma
  ['P2034', 'conflict'],
  ['LEV_DATABASE_BUSY', 'busy'],
]);

/** Causes deeper than this are not looked at: a chain may be a ring. */
const DEEPEST = 10;

/** Looks through an error and its causes for a code that says what happened, whatever mapper wrapped it. */
export function sqlFault(error: unknown): SqlFault {
  let each = error;
  for (let depth = 0; depth < DEEPEST && typeof each === 'object' && each !== null; depth++) {
    const { code, meta, errcode, cause } = each as {
      code?: unknown;
      meta?: { code?: unknown };
      errcode?: unknown;
      cause?: unknown;
    };
    const fault = FAULTS.get(code) ?? FAULTS.get(meta?.code) ?? nodeSqliteFault(code, errcode);
    if (fault !== undefined) return fault;
    each = cause;
  }
  return 'other';
}

/** Whether an error says that a transaction may succeed when it is tried again as it is: a deadlock, a serialization failure. */
export function isTransactionConflict(error: unknown): boolean {
  return sqlFault(error) === 'conflict';
}

export function databaseBusy(text: string, cause?: unknown): LeveretError {
  return new LeveretError('LEV_DATABASE_BUSY', text, cause === undefined ? undefined : { cause });
}

/** The driver inside Node has one code for all, and SQLite's own number beside it: 5 is BUSY, 6 LOCKED, 8 READONLY, 517 BUSY_SNAPSHOT. */
function nodeSqliteFault(code: unknown, errcode: unknown): SqlFault | undefined {
  if (code !== 'ERR_SQLITE_ERROR') return undefined;
  if (errcode === 517) return 'conflict';
  if (Number(errcode) % 256 === 8) return 'read-only';
  return errcode === 5 || errcode === 6 ? 'busy' : undefined;
}
