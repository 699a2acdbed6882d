import type { ErrorCode } from './error-codes.js';
import { LeveretError } from './leveret-error.js';

/**
 * Thrown by a handler (or wrapped as the `cause` of what it throws): the delivery is rejected without a requeue and
 * without a retry. It goes to the queue's dead letter exchange, or is dropped and counted when there is none.
 */
export class RejectMessage extends LeveretError {
  static override readonly name: string = 'RejectMessage';
  constructor(message = 'The handler rejected the message.', options?: ErrorOptions) {
    super('LEV_REJECT_MESSAGE', message, options);
  }
}

/** Thrown by a handler: the delivery goes back to its queue at once, whatever retry and defaults say. */
export class RequeueMessage extends LeveretError {
  static override readonly name: string = 'RequeueMessage';
  constructor(message = 'The handler asked for the message to be requeued.', options?: ErrorOptions) {
    super('LEV_REQUEUE_MESSAGE', message, options);
  }
}

/** Thrown by a handler: the delivery is acknowledged although the handler did not return. */
export class AcknowledgeMessage extends LeveretError {
  static override readonly name: string = 'AcknowledgeMessage';
  constructor(message = 'The handler asked for the message to be acknowledged.', options?: ErrorOptions) {
    super('LEV_ACKNOWLEDGE_MESSAGE', message, options);
  }
}

/** What a handler asked for by throwing. */
export type OutcomeSignal = 'reject' | 'requeue' | 'acknowledge' | 'retry-after';

const SIGNALS: Readonly<Partial<Record<ErrorCode, OutcomeSignal>>> = {
  LEV_REJECT_MESSAGE: 'reject',
  LEV_REQUEUE_MESSAGE: 'requeue',
  LEV_ACKNOWLEDGE_MESSAGE: 'acknowledge',
  LEV_RETRY_AFTER: 'retry-after',
};

const MAX_CAUSES = 32;

/** The first signal found in an error and its chain of causes (at most 32 deep), or `undefined`. Never throws. */
export function findOutcomeSignal(error: unknown): OutcomeSignal | undefined {
  return findSignal(error)?.signal;
}

/** The same, with the error that asks for it. */
export function findSignal(error: unknown): { readonly signal: OutcomeSignal; readonly by: LeveretError } | undefined {
  try {
    return search(error);
  } catch {
    // A cause that cannot be read asks for nothing.
    return undefined;
  }
}

function search(error: unknown): { readonly signal: OutcomeSignal; readonly by: LeveretError } | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof current === 'object' && current !== null; depth++) {
    if (LeveretError.is(current)) {
      const signal = SIGNALS[current.code];
      if (signal !== undefined) return { signal, by: current };
    }
    current = (current as { cause?: unknown }).cause;
  }
  return undefined;
}
