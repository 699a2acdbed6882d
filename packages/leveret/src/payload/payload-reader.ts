import {
  describeValue,
  type Message,
  MessageConversionError,
  type MessageConverter,
  type PayloadClass,
  type Violation,
} from '@leveret/core';
import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { type ClassValidation, classValidation } from './class-validation.js';
import { describeTarget, isPlainType, type PayloadTarget, scalarKind } from './payload-target.js';
import type { PayloadValidation } from './payload-validation.js';
import { validationFailure } from './violations.js';

/** Reads the payload of a message; a promise only when a rule of its class may be asynchronous. */
export type PayloadReader = (message: Message) => unknown;

/**
 * Prepares the payload step of one handler: converter, then an instance of the declared class, then its rules.
 *
 * The reader throws (or rejects with) `MessageConversionError` for what cannot be read or is of another kind, and
 * `MessageValidationError` with all violations.
 * @param target what the handler declared; `undefined` when it takes no payload: the body is not even looked at
 * @param validation `false` = instances are made but not validated
 */
export function payloadReader(
  target: PayloadTarget | undefined,
  converter: MessageConverter,
  validation: PayloadValidation | false,
): PayloadReader {
  if (target === undefined) return () => undefined;
  if (target.each) return arrayReader(target, converter, validation);
  const { type } = target;
  const finish = elementReader(type, validation);
  if (finish === undefined) return (message) => converter.fromMessage(message, type);
  return (message) => finish(converter.fromMessage(message, type), '');
}

/** Takes a plain value to the payload it was declared as; `path` is where it stands in the body. */
type ElementReader = (value: unknown, path: string) => unknown;

/** `undefined` when the converter's value is the payload. */
function elementReader(type: PayloadClass, validation: PayloadValidation | false): ElementReader | undefined {
  if (isPlainType(type)) return undefined;
  const kind = scalarKind(type);
  if (kind !== undefined) return (value, path) => requireScalar(value, kind, path);
  const validate = validation === false ? undefined : classValidation(type, validation);
  if (validate === undefined) return (value, path) => toInstance(type, value, path);
  return (value, path) => {
    const instance = toInstance(type, value, path);
    return validated(type.name, instance, validate(instance));
  };
}

function validated(typeName: string, payload: unknown, found: ReturnType<ClassValidation>): unknown {
  if (found instanceof Promise) return found.then((violations) => checked(typeName, payload, violations));
  return checked(typeName, payload, found);
}

function checked(typeName: string, payload: unknown, violations: readonly Violation[]): unknown {
  if (violations.length > 0) throw validationFailure(typeName, violations);
  return payload;
}

function arrayReader(
  target: PayloadTarget,
  converter: MessageConverter,
  validation: PayloadValidation | false,
): PayloadReader {
  const { type } = target;
  const name = describeTarget(target);
  const kind = scalarKind(type);
  const validate = kind === undefined && validation !== false ? classValidation(type, validation) : undefined;
  const toElement = (value: unknown, index: number): unknown => {
    if (kind !== undefined) return requireScalar(value, kind, `[${index}]`);
    return isPlainType(type) ? value : toInstance(type, value, `[${index}]`);
  };
  return (message) => {
    const value = converter.fromMessage(message, Array);
    if (!Array.isArray(value)) {
      throw new MessageConversionError(
        `The payload is declared as ${name}: expected an array, got ${describeValue(value)}.`,
      );
    }
    const payload = value.map(toElement);
    if (validate === undefined) return payload;
    const found = payload.map((element) => validate(element as object));
    if (found.some((violations) => violations instanceof Promise)) {
      return Promise.all(found).then((all) => checked(name, payload, indexed(all)));
    }
    return checked(name, payload, indexed(found as (readonly Violation[])[]));
  };
}

/** The violations of all elements, each path beginning with its element's index. */
function indexed(all: readonly (readonly Violation[])[]): readonly Violation[] {
  return all.flatMap((violations, index) =>
    violations.map((violation) => {
      const rest = violation.path === '' || violation.path.startsWith('[') ? violation.path : `.${violation.path}`;
      return { ...violation, path: `[${index}]${rest}` };
    }),
  );
}

function requireScalar(value: unknown, kind: string, path: string): unknown {
  if (typeof value === kind) return value;
  throw new MessageConversionError(
    `The payload${at(path)} is declared as a ${kind}; got ${describeValue(value)}. Send a JSON ${kind}, or declare the type that is sent.`,
  );
}

function toInstance(type: PayloadClass, value: unknown, path: string): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw new MessageConversionError(
      `The payload${at(path)} is declared as ${type.name}: expected an object, got ${describeValue(value)}.${hint(type, value)}`,
    );
  }
  // A user's own converter may have made the instance already.
  if (value instanceof type) return value;
  try {
    return plainToInstance(type as ClassConstructor<object>, value);
  } catch (cause) {
    throw new MessageConversionError(
      `The payload${at(path)} could not be made into ${type.name}: ${cause instanceof Error ? cause.message : String(cause)}`,
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
