import { errorText, MessageValidationError, type PayloadClass } from '@leveret/core';
import { classValidator, isValidatorInUse } from './class-libraries.js';
import { instanceCheck } from './compiled/check-instance.js';
import { unknownLibrary } from './compiled/known-libraries.js';
import { libraryCheck, type Validated } from './library-check.js';
import type { PayloadValidation } from './payload-validation.js';
import { type FoundViolations, NO_VIOLATIONS, violationsOf } from './violations.js';

/** The broken rules of a payload; empty when it is valid. A promise only when a rule answered with one. */
export type ClassValidation = (payload: object) => FoundViolations | Promise<FoundViolations>;

/**
 * Prepares the validation of a class once, or answers `undefined` when class-validator knows no rule for it.
 *
 * A rule that throws means that the message is at fault, for the same message would make it throw again. A rule whose
 * promise rejects (a look-up that failed) does not: the rejection is passed on, and counts as a failed attempt.
 */
export function classValidation(type: PayloadClass, options: PayloadValidation): ClassValidation | undefined {
  if (!hasRules(type)) return undefined;
  const check = unknownLibrary() === undefined ? instanceCheck(options) : libraryCheck(options);
  return (payload) => {
    const found = guard(type, () => check(payload));
    return found instanceof Promise ? found.then(toViolations) : toViolations(found);
  };
}

function toViolations({ errors, isCut }: Validated): FoundViolations {
  return errors.length === 0 ? NO_VIOLATIONS : { ...violationsOf(errors), isCut };
}

function guard<T>(type: PayloadClass, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new MessageValidationError(
      `A rule of ${type.name} threw while the payload was validated: ${errorText(cause)}`,
      [],
      { cause },
    );
  }
}

/** Whether class-validator knows a rule for a class. */
export function hasRules(type: PayloadClass): boolean {
  return isValidatorInUse() && rulesOf(type).length > 0;
}

function rulesOf(type: PayloadClass) {
  // "always" and no groups: every rule of the class and its bases, whatever group it is in.
  return classValidator().getMetadataStorage().getTargetValidationMetadatas(type, '', true, false);
}
