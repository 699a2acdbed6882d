/** The steps of a transaction on one connection. */
export interface TransactionSteps {
  begin(): Promise<unknown>;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
  /** Gives the connection back; with `destroy` it is closed, which also rolls back what is open on it. */
  release(destroy: boolean): void;
}

/** Begins, works, commits; rolls back when the work fails. The connection is given back only in a known state. */
export async function runTransaction<T>(work: () => Promise<T>, steps: TransactionSteps): Promise<T> {
  let known = false;
  try {
    await steps.begin();
    const value = await rollingBack(work, async () => {
      await steps.rollback();
      known = true;
    });
    await steps.commit();
    known = true;
    return value;
  } finally {
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
