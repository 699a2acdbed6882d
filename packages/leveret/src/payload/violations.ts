import { MessageValidationError, type Violation } from '@leveret/core';
import type { ValidationError } from 'class-validator';

/** At most this many violations are spelled out in the text of the error; `violations` has all of them. */
const MAX_IN_TEXT = 10;

/** Every broken rule of an error tree of class-validator, with the path of its property. */
export function violationsOf(errors: readonly ValidationError[], prefix = '', parentIsArray = false): Violation[] {
  const violations: Violation[] = [];
  for (const error of errors) {
    const path = join(prefix, error.property, parentIsArray);
    for (const [rule, message] of Object.entries(error.constraints ?? {})) violations.push({ path, rule, message });
    if (error.children !== undefined && error.children.length > 0) {
      violations.push(...violationsOf(error.children, path, Array.isArray(error.value) || error.value instanceof Set));
    }
  }
  return violations;
}

/** The error of a payload that breaks rules. */
export function validationFailure(typeName: string, violations: readonly Violation[]): MessageValidationError {
  const shown = violations.slice(0, MAX_IN_TEXT).map(({ path, message }) => describe(path, message));
  if (violations.length > MAX_IN_TEXT) shown.push(`and ${violations.length - MAX_IN_TEXT} more`);
  const rules = violations.length === 1 ? '1 rule' : `${violations.length} rules`;
  return new MessageValidationError(`The payload breaks ${rules} of ${typeName}: ${shown.join('; ')}.`, violations);
}

/** class-validator starts its texts with the name of the property; a nested one needs its whole path. */
function describe(path: string, message: string): string {
  return path === '' || message.startsWith(path) ? message : `${path}: ${message}`;
}

// An unknown value has no property: the error is about the object itself.
function join(prefix: string, property: string | undefined, inArray: boolean): string {
  if (property === undefined) return prefix;
  if (inArray) return `${prefix}[${property}]`;
  return prefix === '' ? property : `${prefix}.${property}`;
}
