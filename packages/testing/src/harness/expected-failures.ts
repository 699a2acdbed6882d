import { describeValue, errorText, Problems } from '@leveret/core';
import type { AnyClass } from './any-class.js';

/**
 * Which failures are meant: by the text of the error, by its class, or by a function. The causes of an error count as the
 * error itself.
 */
export type ExpectedFailure = RegExp | AnyClass<Error> | ((error: unknown) => boolean);

/** A chain of causes may be a ring. */
const MOST_CAUSES = 20;

/** Makes a function of it; `undefined` means all failures. */
export function matcherOf(expected: ExpectedFailure | undefined, problems: Problems): (error: unknown) => boolean {
  if (expected === undefined) return () => true;
  if (expected instanceof RegExp) return anyCause((error) => expected.test(errorText(error)));
  if (isErrorClass(expected)) return anyCause((error) => error instanceof expected);
  if (typeof expected === 'function') return expected as (error: unknown) => boolean;
  problems.add(
    `expectFailures must be a regular expression, a class of errors, or a function; got ${describeValue(expected)}`,
  );
  return () => false;
}

/** The same, for a call. @throws {ConfigurationError} when it is none of them */
export function checkedMatcherOf(expected: ExpectedFailure | undefined): (error: unknown) => boolean {
  const problems = new Problems();
  const matcher = matcherOf(expected, problems);
  problems.throwIfAny();
  return matcher;
}

function isErrorClass(value: unknown): value is abstract new () => Error {
  if (typeof value !== 'function') return false;
  return value === Error || (value as { prototype?: unknown }).prototype instanceof Error;
}

function anyCause(matches: (error: unknown) => boolean): (error: unknown) => boolean {
  return (error) => {
    let current = error;
    for (let depth = 0; depth < MOST_CAUSES && current !== undefined && current !== null; depth++) {
      if (matches(current)) return true;
      current = (current as { cause?: unknown }).cause;
    }
    return false;
  };
}
