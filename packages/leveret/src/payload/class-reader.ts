import { describeKind, errorText, MessageConversionError, type PayloadClass } from '@leveret/core';
import { classValidation } from './class-validation.js';
import { makeInstance } from './compiled/make-instance.js';
import type { ElementReader, Judged } from './element-reader.js';
import type { PayloadValidation } from './payload-validation.js';
import { sizeCheck } from './size-rules.js';
import { type FoundViolations, NO_VIOLATIONS } from './violations.js';

/** Instances of a class, made by class-transformer and judged by the rules of class-validator. */
export function classReader(type: PayloadClass, validation: PayloadValidation | false): ElementReader {
  const make = (value: unknown, path: string) => toInstance(type, value, path);
  if (validation === false) return { make };
  const check = sizeCheck(type, validation);
  const validate = classValidation(type, validation);
  return {
    refuse: check && ((value) => (value instanceof type ? NO_VIOLATIONS : check(value))),
    make,
    judge:
      validate &&
      ((payload) => {
        const found = validate(payload as object);
        return found instanceof Promise ? found.then((all) => judged(payload, all)) : judged(payload, found);
      }),
  };
}

function judged(payload: unknown, violations: FoundViolations): Judged {
  return { payload, violations };
}

function toInstance(type: PayloadClass, value: unknown, path: string): object {
  const place = path === '' ? '' : ` at ${path}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw new MessageConversionError(
      `The payload${place} is declared as ${type.name}: expected an object, got ${describeKind(value)}.${hint(type, value)}`,
    );
  }
  // A user's own converter may have made the instance already.
  if (value instanceof type) return value;
  try {
    return makeInstance(type, value);
  } catch (cause) {
    throw new MessageConversionError(`The payload${place} could not be made into ${type.name}: ${errorText(cause)}`, {
      cause,
    });
  }
}

function hint(type: PayloadClass, value: unknown): string {
  return Array.isArray(value) ? ` If arrays are sent, declare @Payload([${type.name}]).` : '';
}
