import { describeValue, isStandardSchema, type PayloadClass, type Problems } from '@leveret/core';
import { type PayloadTarget, targetOf } from '../payload/payload-target.js';

/** Built-in classes that no body can be made an instance of in a way everybody would agree on. */
const NO_PAYLOADS: ReadonlySet<unknown> = new Set([
  Promise,
  Map,
  Set,
  WeakMap,
  WeakSet,
  Date,
  RegExp,
  Symbol,
  BigInt,
  Error,
]);

/** Reads what `@Payload(...)`, `@Handler(...)` or the option `payload` was given. `undefined` (and a fault) when it is no type. */
export function readGivenType(given: unknown, decorator: string, problems: Problems): PayloadTarget | undefined {
  const each = Array.isArray(given);
  if (each && given.length !== 1) {
    problems.add(`${decorator} takes one class or schema in the array, as in [PaySucceeded]; got ${given.length}`);
    return undefined;
  }
  const type: unknown = each ? given[0] : given;
  if (type === undefined) {
    problems.add(
      `${decorator} was given undefined. The class is not defined yet when the decorator runs: its module imports this one (a circular import), or it stands further down in this file. Move it to a module of its own.`,
    );
    return undefined;
  }
  if (isStandardSchema(type)) return targetOf(type, each);
  if (typeof type !== 'function' || type === Function) {
    problems.add(
      `${decorator} takes a class or a schema (Standard Schema version 1: zod 4, valibot, arktype), or one of them in an array; got ${describeValue(given)}`,
    );
    return undefined;
  }
  if (type === Array) {
    problems.add(
      `${decorator} was given Array, which does not say of what. Give the class in an array: [PaySucceeded]`,
    );
    return undefined;
  }
  if (NO_PAYLOADS.has(type)) {
    problems.add(`${decorator} was given ${type.name}, which cannot be read from a body. ${OTHERWISE}`);
    return undefined;
  }
  return targetOf(type as unknown as PayloadClass, each);
}

/**
 * Reads the class that TypeScript reflected for the payload parameter.
 * @param types `design:paramtypes` of the method, `undefined` when the build emits none
 */
export function readReflectedType(
  types: readonly unknown[] | undefined,
  index: number,
  problems: Problems,
): PayloadTarget | undefined {
  const parameter = `the payload (parameter ${index + 1})`;
  if (types === undefined) {
    problems.add(
      `${parameter} has no reflected type: this build emits no decorator metadata (esbuild, tsx and Vite before 8 never do; tsc, swc, Vite 8 and Bun do with "emitDecoratorMetadata"). Give it: @Payload(PaySucceeded)`,
    );
    return undefined;
  }
  const type = types[index];
  const fault = reflectionFault(type);
  if (fault === undefined) return targetOf(type as PayloadClass);
  problems.add(`${parameter} ${fault}`);
  return undefined;
}

function reflectionFault(type: unknown): string | undefined {
  if (type === undefined) {
    return 'has a type that is not defined yet when the class is (a circular import?). Move its class to a module of its own, or give it: @Payload(PaySucceeded)';
  }
  if (type === Function) {
    return 'reflects as Function: its class was imported as a type. Import the class as a value, not with `import type`, or give it: @Payload(PaySucceeded)';
  }
  if (type === Object) {
    return 'reflects as Object: its type is an interface, a union, a type alias or any, of which nothing is left at run time. Declare a class, or give it: @Payload(PaySucceeded), or @Payload(Object) for whatever is sent';
  }
  if (type === Array) return 'reflects as Array, which does not say of what. Give it: @Payload([PaySucceeded])';
  if (typeof type !== 'function') return `reflects as ${describeValue(type)}, which is no class. ${OTHERWISE}`;
  if (NO_PAYLOADS.has(type)) return `is declared as ${type.name}, which cannot be read from a body. ${OTHERWISE}`;
  return undefined;
}

const OTHERWISE = 'Declare a class with that field, or @Payload(Object) for whatever is sent';
