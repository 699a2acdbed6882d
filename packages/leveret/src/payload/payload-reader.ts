import {
  describeKind,
  errorText,
  isFatalMessageError,
  type Message,
  MessageConversionError,
  type MessageConverter,
  type PayloadClass,
  type ReadHints,
  refuseLarge,
} from '@leveret/core';
import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { type ClassValidation, classValidation } from './class-validation.js';
import { describeTarget, isPlainType, type PayloadTarget, scalarKind } from './payload-target.js';
import type { PayloadValidation } from './payload-validation.js';
import { type SizeCheck, sizeCheck } from './size-rules.js';
import { type FoundViolations, MAX_VIOLATIONS, validationFailure, violationsOfElements } from './violations.js';

/** Reads the payload of a message; a promise only when a rule of its class may be asynchronous. */
export type PayloadReader = (message: Message) => unknown;

/** How bodies become payloads. */
export interface ReadingPolicy {
  readonly converter: MessageConverter;
  /** `false` = instances are made but not validated. */
  readonly validation: PayloadValidation | false;
  /** What the listener says itself about sizes and numbers. */
  readonly hints: ReadHints;
}

/**
 * Prepares the payload step of one handler: converter, then an instance of the declared class, then its rules.
 *
 * The reader throws (or rejects with) `MessageConversionError` for what cannot be read or is of another kind, and
 * `MessageValidationError` with the violations. It throws nothing else: whatever goes wrong here does so again with the
 * same message. Only an asynchronous rule that rejects is passed on as it is.
 * @param target what the handler declared; `undefined` when it takes no payload: the body is not even looked at
 */
export function payloadReader(target: PayloadTarget | undefined, policy: ReadingPolicy): PayloadReader {
  if (target === undefined) return () => undefined;
  const { converter, hints, validation } = policy;
  const { maxBodyBytes } = hints;
  const convert = (message: Message): unknown => {
    // A converter of the user's own may not know of it.
    if (maxBodyBytes !== undefined) refuseLarge(message, maxBodyBytes);
    return converter.fromMessage(message, target.each ? Array : target.type, hints);
  };
  const finish = target.each ? arrayReader(target, validation) : elementReader(target.type, validation);
  return (message) => {
    try {
      const value = convert(message);
      return finish === undefined ? value : finish(value, '');
    } catch (cause) {
      throw isFatalMessageError(cause) ? cause : unreadable(describeTarget(target), cause);
    }
  };
}

function unreadable(typeName: string, cause: unknown): MessageConversionError {
  return new MessageConversionError(`The body could not be read as ${typeName}: ${errorText(cause)}`, { cause });
}

/** Takes a plain value to the payload it was declared as; `path` is where it stands in the body. */
type ElementReader = (value: unknown, path: string) => unknown;

/** `undefined` when the converter's value is the payload. */
function elementReader(type: PayloadClass, validation: PayloadValidation | false): ElementReader | undefined {
  if (isPlainType(type)) return undefined;
  const kind = scalarKind(type);
  if (kind !== undefined) return (value, path) => requireScalar(value, kind, path);
  if (validation === false) return (value, path) => toInstance(type, value, path);
  const check = sizeCheck(type, validation);
  const validate = classValidation(type, validation);
  return (value, path) => {
    if (check !== undefined && !(value instanceof type)) refuseLargeParts(type.name, value, check);
    const instance = toInstance(type, value, path);
    return validate === undefined ? instance : validated(type.name, instance, validate(instance));
  };
}

function refuseLargeParts(typeName: string, value: unknown, check: SizeCheck): void {
  if (typeof value === 'object' && value !== null) checked(typeName, value, check(value));
}

function validated(typeName: string, payload: unknown, found: ReturnType<ClassValidation>): unknown {
  if (found instanceof Promise) return found.then((violations) => checked(typeName, payload, violations));
  return checked(typeName, payload, found);
}

function checked(typeName: string, payload: unknown, violations: FoundViolations): unknown {
  if (violations.total > 0) throw validationFailure(typeName, violations);
  return payload;
}

function arrayReader(target: PayloadTarget, validation: PayloadValidation | false): ElementReader {
  const { type } = target;
  const name = describeTarget(target);
  const kind = scalarKind(type);
  const isChecked = kind === undefined && validation !== false;
  const check = isChecked ? sizeCheck(type, validation) : undefined;
  const validate = isChecked ? classValidation(type, validation) : undefined;
  const toElement = (value: unknown, index: number): unknown => {
    if (kind !== undefined) return requireScalar(value, kind, `[${index}]`);
    return isPlainType(type) ? value : toInstance(type, value, `[${index}]`);
  };
  return (value) => {
    if (!Array.isArray(value)) {
      throw new MessageConversionError(
        `The payload is declared as ${name}: expected an array, got ${describeKind(value)}.`,
      );
    }
    if (check !== undefined) refuseLargeParts(name, value, check);
    const payload = value.map(toElement);
    if (validate === undefined) return payload;
    const found = validateElements(payload, validate);
    if (found.some((violations) => violations instanceof Promise)) {
      return Promise.all(found).then((all) => checked(name, payload, violationsOfElements(all)));
    }
    return checked(name, payload, violationsOfElements(found as FoundViolations[]));
  };
}

/** Up to the element that makes the violations enough. */
function validateElements(payload: readonly unknown[], validate: ClassValidation): ReturnType<ClassValidation>[] {
  const found: ReturnType<ClassValidation>[] = [];
  let total = 0;
  for (const element of payload) {
    const violations = validate(element as object);
    found.push(violations);
    if (violations instanceof Promise) continue;
    total += violations.total;
    if (total >= MAX_VIOLATIONS) {
      found.push(CUT);
      break;
    }
  }
  return found;
}

const CUT: FoundViolations = { listed: [], total: 0, isCut: true };

function requireScalar(value: unknown, kind: string, path: string): unknown {
  if (typeof value === kind) return value;
  throw new MessageConversionError(
    `The payload${at(path)} is declared as a ${kind}; got ${describeKind(value)}. Send a JSON ${kind}, or declare the type that is sent.`,
  );
}

function toInstance(type: PayloadClass, value: unknown, path: string): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw new MessageConversionError(
      `The payload${at(path)} is declared as ${type.name}: expected an object, got ${describeKind(value)}.${hint(type, value)}`,
    );
  }
  // A user's own converter may have made the instance already.
  if (value instanceof type) return value;
  try {
    return plainToInstance(type as ClassConstructor<object>, value);
  } catch (cause) {
    throw new MessageConversionError(
      `The payload${at(path)} could not be made into ${type.name}: ${errorText(cause)}`,
      { cause },
    );
  }
}

function hint(type: PayloadClass, value: unknown): string {
  return Array.isArray(value) ? ` If arrays are sent, declare @Payload([${type.name}]).` : '';
}

function at(path: string): string {
  return path === '' ? '' : ` at ${path}`;
}
