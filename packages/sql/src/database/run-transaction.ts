import { type LendOptions, LentTransaction } from './lent-transaction.js';
import { sqlFault } from './sql-fault.js';

/** The steps of a transaction on one connection. */
export interface TransactionSteps {
  begin(): Promise<unknown>;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
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
    const value = await rollingBack(
      () => work(loan.lent),
      async () => {
        loan.end();
        if (loan.busy) return;
        await steps.rollback();
        known = true;
      },
    );
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
async function rollingBack<T>(work: () => Promise<T>, rollback: () => Promise<void>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await rollback().catch(() => {});
    throw error;
  }
}
