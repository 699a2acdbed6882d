import { findOutcomeSignal } from '@leveret/core';
import type { LeveretEvent } from 'leveret';

/** Something that went wrong in the application under test. */
export interface Failure {
  readonly error: unknown;
  /** Id of the listener; `undefined` when it concerns none. */
  readonly listenerId: string | undefined;
  /** What failed, such as `attempt 2 of listener Orders.onPaid`. */
  readonly what: string;
  /** A test has been told of it. */
  told: boolean;
}

/** The failure that an event tells of, if it tells of one. What a handler asked for, as by `RejectMessage`, is none. */
export function failureOf(event: LeveretEvent): Failure | undefined {
  switch (event.type) {
    case 'failed':
      if (findOutcomeSignal(event.error) !== undefined) return undefined;
      return failure(event.error, event.listenerId, `attempt ${event.attempt} of listener ${event.listenerId}`);
    case 'invalid':
      return failure(event.error, event.listenerId, `a message that listener ${event.listenerId} cannot handle`);
    case 'recoverer-failed':
      return failure(event.error, event.listenerId, `the recoverer of listener ${event.listenerId}`);
    case 'idempotency-failed':
      return failure(event.error, event.listenerId, `the idempotency store of listener ${event.listenerId}`);
    case 'reply-dropped':
      return failure(event.error, event.listenerId, `a reply of listener ${event.listenerId}`);
    case 'listener-failed':
      return failure(event.error, event.listenerId, `listener ${event.listenerId} as a whole`);
    case 'schedule-failed':
      return failure(event.error, undefined, `schedule ${event.scheduleId}`);
    case 'declare-failed':
      return failure(event.error, undefined, 'declaring the topology');
    default:
      return undefined;
  }
}

function failure(error: unknown, listenerId: string | undefined, what: string): Failure {
  return { error, listenerId, what, told: false };
}
