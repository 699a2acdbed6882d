import type { OnePayloadType, PayloadClass, PayloadType } from '@leveret/core';
import { type ClassValidation, classValidation } from './class-validation.js';
import { payloadOfValue } from './payload-reader.js';
import { targetOf } from './payload-target.js';
import { validationFailure } from './violations.js';

const prepared = new WeakMap<object, { readonly validate: ClassValidation | undefined }>();

/**
 * Checks a payload before it is sent: `publisher: { validate: validatePayload }`. An instance by the rules of its class; what
 * goes through a channel by what that declares, class or schema. What has no rules is valid. The payload is sent as it was
 * given: what a schema makes of it is for those who read it.
 * @param type what the payload is declared as. Default: its class
 * @throws {MessageValidationError} with all violations; as a rejection when a rule may be asynchronous
 * @throws {MessageConversionError} when it is of another kind than `type`
 */
export function validatePayload(payload: unknown, type?: PayloadType): void | Promise<void> {
  return type === undefined ? validateInstance(payload) : validateDeclared(payload, type);
}

function validateDeclared(payload: unknown, type: PayloadType): void | Promise<void> {
  const each = Array.isArray(type);
  const target = targetOf((each ? type[0] : type) as OnePayloadType, each);
  const made = payloadOfValue(target, {})(payload);
  if (made instanceof Promise) return made.then(() => {});
}

function validateInstance(payload: unknown): void | Promise<void> {
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
