import type { SqlDatabase, SqlResult } from './sql-database.js';

/** Prefix of a change in a text of several statements, on MariaDB: whatever `sql_safe_updates` says. */
export const EVEN_IN_SAFE_MODE = 'SET STATEMENT sql_safe_updates = 0 FOR';

/** The first statement of a transaction. */
export interface Opening {
  readonly text: string;
  /** For SQLite, which keeps the statement. For the others it is complete: whatever its values are stands in the text. */
  readonly parameters?: readonly unknown[];
}

/** None: nothing is saved by sending it first, but the commit may be shared. */
export const SHARES: Opening = { text: '' };

/** How the first statement of a transaction went: what it gave, or how it failed. */
export type Opened = { readonly result: SqlResult } | { readonly fault: unknown };

/** What a transaction came to. */
export interface Worked<T> {
  readonly value: T;
  /** A statement that is sent together with COMMIT, and fails when nothing is to be committed. On SQLite, COMMIT does by itself. */
  readonly closing?: string | undefined;
  /** Makes the value of what the closing statement gave. */
  readonly closed?: (result: SqlResult) => T;
}

/**
 * A transaction in as few round trips as the database allows: its first statement goes with BEGIN, its last with COMMIT; and
 * in as few commits.
 * @param opening the first statement; on SQLite one that writes
 * @param work gets what `opening` gave, or `undefined` where it was not sent; only where it was sent may it answer a `closing`
 */
export type TransactionTogether<Tx> = <T>(
  opening: Opening,
  work: (tx: Tx, opened: Opened | undefined) => Promise<Worked<T>>,
) => Promise<T>;

const TOGETHER = new WeakMap<object, TransactionTogether<never>>();

/** Says that a database sends statements together. */
export function sendsTogether<Tx>(database: SqlDatabase<Tx>, transaction: TransactionTogether<Tx>): void {
  TOGETHER.set(database, transaction as TransactionTogether<never>);
}

/** Whether a database is one of leveret's own, as it was made. */
export function isOwn(database: object): boolean {
  return TOGETHER.has(database);
}

/** As {@link TransactionTogether}; one by one without `opening`, and where the database is not one of leveret's own. @throws {SharedCommitFailed} */
export function transactionTogether<Tx, T>(
  database: SqlDatabase<Tx>,
  opening: Opening | undefined,
  work: (tx: Tx, opened: Opened | undefined) => Promise<Worked<T>>,
): Promise<T> {
  const together = TOGETHER.get(database) as TransactionTogether<Tx> | undefined;
  if (together !== undefined && opening !== undefined) return together(opening, work);
  return database.transaction(async (tx) => (await work(tx, undefined)).value);
}

/** The same for work that can be done again whatever became of it: by itself, when the commit failed that it shared. */
export async function transactionAfterAll<Tx, T>(
  database: SqlDatabase<Tx>,
  opening: Opening | undefined,
  work: (tx: Tx, opened: Opened | undefined) => Promise<Worked<T>>,
): Promise<T> {
  try {
    return await transactionTogether(database, opening, work);
  } catch (error) {
    if (error instanceof SharedCommitFailed) return transactionTogether(database, undefined, work);
    throw error;
  }
}

/** What the first statement gave. @throws what the database said instead */
export function resultOfOpening(opened: Opened): SqlResult {
  if ('fault' in opened) throw opened.fault;
  return opened.result;
}

/**
 * The commit failed that a transaction shared with others, or one of them has ended it. Whether anything of it is there is to be
 * found out by trying again, by itself: `cause` is what happened.
 */
export class SharedCommitFailed extends Error {
  constructor(cause: unknown) {
    super('the commit of several transactions failed', { cause });
  }
}

/** The closing statement failed: nothing was committed. `cause` is what the database said. */
export class ClosingFailed extends Error {
  constructor(cause: unknown) {
    super('the closing statement of a transaction failed', { cause });
  }
}
