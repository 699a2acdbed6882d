import { type ErrorCode, LeveretError } from '@leveret/core';
import type { FaultJson } from '../contract/contract.js';

/** A request that the console does not answer as it was meant. */
export class ConsoleFault extends LeveretError {
  static override readonly name: string = 'ConsoleFault';
  readonly status: number;
  /** Seconds after which it may be tried again. */
  readonly retryAfter: number | undefined;

  constructor(status: number, code: ErrorCode, message: string, retryAfter?: number) {
    super(code, message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** A request that is not understood. */
export function badRequest(message: string, status = 400): ConsoleFault {
  return new ConsoleFault(status, 'LEV_CONSOLE_REQUEST', message);
}

/** What is not among them comes from the broker, or from the database. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  LEV_NOTHING_FOUND: 404,
  LEV_QUEUE_MISSING: 404,
  LEV_CONFIGURATION: 400,
  LEV_OPERATION_REFUSED: 409,
  LEV_INVALID_STATE: 409,
  LEV_DATABASE_BUSY: 503,
};

/** The status and the body that an error is answered with. What is no error of leveret's is told to the log alone. */
export function faultOf(error: unknown): {
  readonly status: number;
  readonly fault: FaultJson;
  readonly isOurs: boolean;
} {
  if (!LeveretError.is(error)) {
    const message = 'The console failed. Its log says with what.';
    return { status: 500, fault: { error: { code: 'INTERNAL', message } }, isOurs: false };
  }
  const { code, message } = error;
  const status = error instanceof ConsoleFault ? error.status : (STATUS[code] ?? 502);
  return { status, fault: { error: { code, message } }, isOurs: true };
}
