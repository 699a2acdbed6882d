import type { ErrorCode } from './error-codes.js';
import { escapeText } from './escape-text.js';
import { LeveretError } from './leveret-error.js';

/** By symbol, so that two copies of this package agree. */
const REFUSED: unique symbol = Symbol.for('leveret.message-refused') as never;

/**
 * A message that no retry can help: unreadable, invalid, without a required header or key, or of a type nobody
 * handles.
 * Such a delivery is rejected at once (or goes to the recoverer with `invalid: 'recover'`).
 */
export class FatalMessageError extends LeveretError {
  static override readonly name: string = 'FatalMessageError';
  constructor(
    code:
      | 'LEV_MESSAGE_UNREADABLE'
      | 'LEV_MESSAGE_INVALID'
      | 'LEV_HEADER_MISSING'
      | 'LEV_IDEMPOTENCY_KEY_MISSING'
      | 'LEV_NO_HANDLER',
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** The body could not be decoded, parsed or turned into the declared class. */
export class MessageConversionError extends FatalMessageError {
  static override readonly name: string = 'MessageConversionError';
  constructor(message: string, options?: ErrorOptions) {
    super('LEV_MESSAGE_UNREADABLE', message, options);
  }
}

/**
 * Thrown inside an attempt by what stands before the handler, such as the pipe or the guard of a framework: the message itself is
 * at fault, as when it cannot be read. Any other error of an attempt says nothing of its message: it may be about one that the
 * handler wanted to send.
 */
export class MessageRefusedError extends FatalMessageError {
  readonly [REFUSED] = true;

  constructor(message: string, options?: ErrorOptions) {
    super('LEV_MESSAGE_INVALID', message, options);
  }
}

/** Whether an error of an attempt says that its message is at fault. Never throws. */
export function isMessageRefused(error: unknown): boolean {
  try {
    return LeveretError.is(error) && (error as Partial<MessageRefusedError>)[REFUSED] === true;
  } catch {
    return false;
  }
}

/** One broken rule of a payload: where, which value, and what was demanded. */
export interface Violation {
  /** Path of the property, such as `items[2].price`; empty for the payload itself. */
  readonly path: string;
  /** What the rule demands, such as `orderId must be an integer number`. */
  readonly message: string;
  /** Name of the rule, as its library calls it: `isInt` of class-validator, `too_small` of zod. */
  readonly rule: string;
}

/** The payload breaks rules of its class or schema. */
export class MessageValidationError extends FatalMessageError {
  static override readonly name: string = 'MessageValidationError';
  /** The first 100 at most, each text cut after 1,000 characters. */
  readonly violations: readonly Violation[];
  /** How many were found, those included that `violations` does not list. Nobody looks for many more than 100. */
  readonly total: number;

  constructor(message: string, violations: readonly Violation[], options?: ErrorOptions & { readonly total?: number }) {
    super('LEV_MESSAGE_INVALID', message, options);
    this.violations = violations
      .slice(0, MAX_VIOLATIONS)
      .map(({ path, message: demand, rule }) => ({ path: shown(path), message: shown(demand), rule }));
    this.total = options?.total ?? violations.length;
  }
}

const MAX_VIOLATIONS = 100;
const MAX_TEXT = 1000;

/** A sender chooses the names that stand in it. */
function shown(text: string): string {
  return escapeText(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text);
}

/** Whether an error means that the message itself is at fault, so that trying again is of no use. Never throws. */
export function isFatalMessageError(error: unknown): boolean {
  try {
    return LeveretError.is(error) && FATAL_CODES.has(error.code);
  } catch {
    return false;
  }
}

const FATAL_CODES: ReadonlySet<ErrorCode> = new Set([
  'LEV_MESSAGE_UNREADABLE',
  'LEV_MESSAGE_INVALID',
  'LEV_HEADER_MISSING',
  'LEV_IDEMPOTENCY_KEY_MISSING',
  'LEV_NO_HANDLER',
]);
