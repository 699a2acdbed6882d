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

/** Codes as text, and MySQL's also as numbers: what a driver gives for `code`, `errno` or `sqlState`. */
const FAULTS: ReadonlyMap<unknown, SqlFault> = new Map<unknown, SqlFault>([
  // PostgreSQL: lock_not_available, serialization_failure, deadlock_detected
  ['55P03', 'busy'],
  ['40001', 'conflict'],
  ['40P01', 'conflict'],
  // PostgreSQL: read_only_sql_transaction
  ['25006', 'read-only'],
  // MySQL and MariaDB: --read-only, a read-only transaction, read-only mode, a node that has lost its cluster
  ['ER_OPTION_PREVENTS_STATEMENT', 'read-only'],
  [1290, 'read-only'],
  ['ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', 'read-only'],
  [1792, 'read-only'],
  ['ER_READ_ONLY_MODE', 'read-only'],
  [1836, 'read-only'],
  ['ER_UNKNOWN_COM_ERROR', 'read-only'],
  [1047, 'read-only'],
  // MySQL and MariaDB
  ['ER_LOCK_WAIT_TIMEOUT', 'busy'],
  [1205, 'busy'],
  ['ER_LOCK_NOWAIT', 'busy'],
  [3572, 'busy'],
  ['ER_LOCK_DEADLOCK', 'conflict'],
  [1213, 'conflict'],
  ['ER_CHECKREAD', 'conflict'],
  [1020, 'conflict'],
  // Prisma
  ['P2034', 'conflict'],
  ['LEV_DATABASE_BUSY', 'busy'],
]);

/** Where drivers and mappers put the code. */
const CODES = ['code', 'originalCode', 'sqlState', 'sqlstate', 'errno'] as const;
/** Where mappers put the error that they wrap: a table made by running them, `test-support/fault-shapes.json`. */
const WRAPPED = [
  'cause',
  'original',
  'parent',
  'driverError',
  'nativeError',
  'driverAdapterError',
  'meta',
  'originalError',
  'previous',
  'errors',
] as const;
/** Errors of one failure that are looked at: wrappers may be wrapped without end. */
const MOST = 100;

/** Looks through an error and all that it wraps, the nearest first, for a code that says what happened. */
export function sqlFault(error: unknown): SqlFault {
  const found = new Set<object>();
  const add = (each: unknown): void => {
    if (typeof each === 'object' && each !== null && found.size < MOST) found.add(each);
  };
  add(error);
  // A set grows while it is walked, and keeps rings out.
  for (const each of found) {
    const fault = faultOf(each);
    if (fault !== undefined) return fault;
    if (Array.isArray(each)) each.forEach(add);
    for (const name of WRAPPED) add(read(each, name));
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

/** What the error itself says, without what it wraps. */
function faultOf(error: object): SqlFault | undefined {
  const code = read(error, 'code');
  if (typeof code === 'string' && /^(ERR_)?SQLITE/.test(code)) return sqliteFault(code, error);
  for (const name of CODES) {
    const fault = FAULTS.get(read(error, name));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/**
 * SQLite's drivers give its result code as text, as a number, or as both, with or without what extends it: 5 is BUSY, 517
 * BUSY_SNAPSHOT, 6 LOCKED, 8 READONLY; the lowest eight bits are the code.
 */
function sqliteFault(code: string, error: object): SqlFault | undefined {
  const number = ['errcode', 'errno', 'rawCode'].map((name) => read(error, name)).find(Number.isInteger) as number;
  const primary = (number ?? 0) & 0xff;
  if (number === 517 || code === 'SQLITE_BUSY_SNAPSHOT') return 'conflict';
  if (primary === 8 || code.startsWith('SQLITE_READONLY')) return 'read-only';
  return primary === 5 || primary === 6 || /^SQLITE_(BUSY|LOCKED)/.test(code) ? 'busy' : undefined;
}

/** A property of a stranger's object; one whose reading throws is not there. */
function read(object: object, name: string): unknown {
  try {
    return (object as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}
