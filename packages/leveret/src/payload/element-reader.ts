import type { SizeCheck } from './size-rules.js';
import type { FoundViolations } from './violations.js';

/**
 * Reads values of one kind, in the order of these members. All elements of an array are made before the first is judged:
 * what is of another kind is told before what breaks a rule.
 */
export interface ElementReader {
  /** Finds what is too large to be looked at any further. */
  readonly refuse?: SizeCheck | undefined;
  /**
   * Makes the payload of a value.
   * @param path where the value stands in the body, such as `[2]`; empty for the body itself
   * @throws {MessageConversionError} when it is of another kind
   */
  readonly make?: ((value: unknown, path: string) => unknown) | undefined;
  /** Asks the rules. A promise only when one of them may be asynchronous. */
  readonly judge?: ((made: unknown) => Judged | Promise<Judged>) | undefined;
}

/** What the rules say of a payload. */
export interface Judged {
  /** What the handler gets, if no rule is broken. */
  readonly payload: unknown;
  readonly violations: FoundViolations;
}
