import { LeveretError } from '@leveret/core';

/** The steps of a transaction on one connection. */
export interface TransactionSteps {
  begin(): Promise<unknown>;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
  /** Gives the connection back; with `destroy` it is closed, which also rolls back what is open on it. */
  release(destroy: boolean): void;
}

/**
 * Begins, works, commits; rolls back when the work fails. The connection is given back only in a known state, and not
 * while the work still has it in hand: a handler that ran past its timeout goes on, and its next statement would take
 * effect by itself, or in the transaction of whoever has the connection then.
 */
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
    // Not with a ROLLBACK: what the work sends behind it would be outside of the transaction.
    if (!runsOn(error)) await rollback().catch(() => {});
    throw error;
  }
}

/** Causes deeper than this are not looked at: a chain may be a ring. */
const DEEPEST = 10;

/** Whether the work has failed without having ended. */
function runsOn(error: unknown): boolean {
  let each = error;
  for (let depth = 0; depth < DEEPEST && each instanceof Error; depth++) {
    if (LeveretError.is(each) && each.code === 'LEV_HANDLER_TIMEOUT') return true;
    each = each.cause;
  }
  return false;
}
