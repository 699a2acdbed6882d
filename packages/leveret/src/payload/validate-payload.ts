import type { PayloadClass } from '@leveret/core';
import { type ClassValidation, classValidation } from './class-validation.js';
import { validationFailure } from './violations.js';

const prepared = new WeakMap<object, { readonly validate: ClassValidation | undefined }>();

/**
 * Checks an instance against the rules of its class before it is sent: `publisher: { validate: validatePayload }`.
 * What has no rules is valid.
 * @throws {MessageValidationError} with all violations; as a rejection when a rule of the class may be asynchronous
 */
export function validatePayload(payload: unknown): void | Promise<void> {
  if (typeof payload !== 'object' || payload === null) return;
  const type = payload.constructor as PayloadClass | undefined;
  if (typeof type !== 'function' || (type as unknown) === Object || Array.isArray(payload)) return;
  const { validate } = prepared.get(type) ?? prepare(type);
  const found = validate?.(payload);
  if (found instanceof Promise) {
    return found.then((violations) => {
      if (violations.total > 0) throw validationFailure(type.name, violations);
    });
  }
  if (found !== undefined && found.total > 0) throw validationFailure(type.name, found);
}

function prepare(type: PayloadClass) {
  const made = { validate: classValidation(type, {}) };
  prepared.set(type, made);
  return made;
}
