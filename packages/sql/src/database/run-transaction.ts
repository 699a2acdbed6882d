import { type LendOptions, LentTransaction } from './lent-transaction.js';
import { sqlFault } from './sql-fault.js';

/** The steps of a transaction on one connection: what they answer is waited for. */
export interface TransactionSteps {
  begin(): unknown;
  commit(): unknown;
  rollback(): unknown;
  /** Gives the connection back; with `destroy` it is closed, which also rolls back what is open on it. */
  release(destroy: boolean): void;
}

/**
 * Begins, works, commits; rolls back when the work fails. The work has the connection on loan, until its promise has
 * settled: what it left running, as one branch of a `Promise.all`, finds the loan over. The connection is given back only in
 * a known state, and not while a statement still runs on it: a ROLLBACK would wait for that.
 */
export async function runTransaction<Connection, T>(
  connection: Connection,
  work: (lent: Connection) => Promise<T>,
  steps: TransactionSteps,
  options: LendOptions,
): Promise<T> {
  const loan = new LentTransaction(connection, options);
  let known = false;
  try {
    await steps.begin();
    let value: T;
    try {
      value = await work(loan.lent);
    } catch (error) {
      loan.end();
      known = !loan.busy && (await isUndone(steps));
      throw error;
    }
    // A statement that was sent and not waited for is before the COMMIT, and part of it.
    loan.end();
    await steps.commit();
    known = true;
    return value;
  } catch (error) {
    // A server that writes no more answers on, and would answer whoever has the connection next.
    if (sqlFault(error) === 'read-only') known = false;
    throw error;
  } finally {
    loan.end();
    steps.release(!known);
  }
}

/** The error of the work is thrown, whatever becomes of the rollback: the server undoes what is left open by itself. */
async function isUndone(steps: TransactionSteps): Promise<boolean> {
  try {
    await steps.rollback();
    return true;
  } catch {
    return false;
  }
}
