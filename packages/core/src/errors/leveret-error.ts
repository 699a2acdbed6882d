import type { ErrorCode } from './error-codes.js';
import { escapeText } from './escape-text.js';
import { INSPECT, inspectError } from './inspect-error.js';

const BRAND = Symbol.for('leveret.error');

/**
 * Base of every error that leveret throws. `code` says what happened in a form that programs can test, `message` says
 * what was expected, what came and what to do, and `cause` keeps the error underneath. Whatever came from a stranger is
 * escaped in the message: it is one line, but for the list of a {@link ConfigurationError}.
 */
export class LeveretError extends Error {
  /** Written out, like those of its subclasses: minifiers shorten the names of classes, and this one is sent. */
  static override readonly name: string = 'LeveretError';

  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(code === 'LEV_CONFIGURATION' ? message.split('\n').map(escapeText).join('\n') : escapeText(message), options);
    this.name = new.target.name;
    this.code = code;
  }

  get [BRAND](): true {
    return true;
  }

  /** How a terminal shows it: without what it carries, such as a whole message. */
  [INSPECT](): string {
    return inspectError(this);
  }

  /** Whether a value is a leveret error, also when it comes from another copy of the package. Never throws. */
  static is(value: unknown): value is LeveretError {
    try {
      return typeof value === 'object' && value !== null && BRAND in value;
    } catch {
      // A proxy that does not want to be asked.
      return false;
    }
  }
}
