import { errorText, LeveretError } from '@leveret/core';
import { ClosingFailed } from '../database/together.js';
import { ROW_IS_GONE } from './insert-once.js';

/** Where a transaction has come to. */
export type Stage = 'begin' | 'handler' | 'check' | 'commit';

/** What the database said. SQLite speaks of the savepoint in front of the row; the others say what is meant. */
export function toldBy(caught: unknown): unknown {
  if (!(caught instanceof ClosingFailed)) return caught;
  const { cause } = caught;
  return /\bsavepoint\b/.test(errorText(cause)) ? new Error(ROW_IS_GONE, { cause }) : cause;
}

/** Neither written nor there: whether the message was handled is not known. */
export function unproved(fault: unknown): unknown {
  if (fault !== undefined) return fault;
  return new Error(
    'the database wrote no row of leveret_inbox, reported no fault, and has no row of the message. See what triggers, rules and partitions the table has',
  );
}

export function failed(stage: Exclude<Stage, 'handler'>, messageId: string, cause: unknown): LeveretError {
  if (LeveretError.is(cause) && cause.code === 'LEV_INBOX_TRANSACTION') return cause;
  const text = errorText(cause);
  switch (stage) {
    case 'begin':
      return new LeveretError(
        'LEV_IDEMPOTENCY_STORE',
        `The inbox could not be asked whether ${messageId} was handled: ${text}`,
        { cause },
      );
    case 'check':
      return new LeveretError(
        'LEV_INBOX_TRANSACTION',
        `The transaction of ${messageId} was broken or ended while its handler ran (${text}). Let errors of statements out of the handler, and do not end its transaction.`,
        { cause },
      );
    case 'commit':
      return new LeveretError(
        'LEV_INBOX_COMMIT',
        `Whether the transaction of ${messageId} was committed is not known: ${text}. The redelivery finds out.`,
        { cause },
      );
  }
}
