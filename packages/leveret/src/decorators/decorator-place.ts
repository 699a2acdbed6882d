import { ConfigurationError } from '@leveret/core';
import {
  type ClassRecord,
  classRecordIn,
  type MethodRecord,
  methodRecordIn,
  type ParameterDeclaration,
} from './class-record.js';
import './reflect-on-demand.js';
import './symbol-metadata.js';

/** The second argument of a standard decorator, as far as it is looked at. */
export interface StandardContext {
  readonly kind: string;
  readonly name?: string | symbol | undefined;
  readonly static?: boolean;
  readonly private?: boolean;
  readonly metadata?: object | undefined;
}

/** Where a decorator stands: in which class, on which method. */
export type DecoratorPlace =
  | { readonly kind: 'class'; readonly record: ClassRecord }
  | { readonly kind: 'method'; readonly record: MethodRecord }
  | { readonly kind: 'misplaced' };

/** Whichever way a decorator is called. */
export type AnyCall = (
  target: object,
  key?: string | symbol | StandardContext,
  descriptor?: PropertyDescriptor | number,
) => void;

/** A decorator, which the compiler knows by a narrower type than it is called by. */
export function decorator<Known>(call: AnyCall): Known {
  return call as Known;
}

/** The same of a decorator of a parameter. */
export function parameter<Known>(
  call: (target: object, key: string | symbol | undefined, index: number) => void,
): Known {
  return call as Known;
}

/**
 * Finds the record that a class or method decorator writes to. Whether the decorator is a legacy or a standard one shows in its
 * arguments: the second is the name of the member, or a context.
 * @param target the prototype or the class; of a standard decorator, the method or the class
 * @throws {ConfigurationError} when a standard decorator comes without the metadata of its class
 */
export function placeOf(
  decorator: string,
  target: unknown,
  key: string | symbol | StandardContext | undefined,
  descriptor: PropertyDescriptor | number | undefined,
): DecoratorPlace {
  if (typeof key === 'object') return standardPlace(decorator, key);
  if (key === undefined) return { kind: 'class', record: classRecordIn((target as { prototype: object }).prototype) };
  const owner = legacyOwner(decorator, target as object, key);
  if (owner === undefined) return { kind: 'misplaced' };
  if (typeof descriptor === 'number') {
    owner.misplaced.push(`${decorator} is on parameter ${descriptor + 1} of ${String(key)}. It belongs on the method.`);
    return { kind: 'misplaced' };
  }
  if (typeof descriptor?.value !== 'function') return misplacedOn(owner, decorator, key);
  return { kind: 'method', record: methodRecordIn(owner, key, false) };
}

function standardPlace(decorator: string, context: StandardContext): DecoratorPlace {
  const { kind, metadata, name = '' } = context;
  if (metadata === undefined || metadata === null) {
    throw new ConfigurationError([
      `${decorator} on ${String(name) || 'a class'} was called as a standard decorator, but without metadata of its class (context.metadata), which leveret keeps what it says in. TypeScript 5.2 or later, esbuild 0.21 or later, swc with "decoratorVersion": "2022-03" or later and Babel with "version": "2023-05" or later give it. Update the compiler, or set "experimentalDecorators": true in tsconfig.json.`,
    ]);
  }
  const record = classRecordIn(metadata);
  if (kind === 'class') return { kind: 'class', record };
  if (context.static === true) {
    record.misplaced.push(onStatic(decorator, name));
    return { kind: 'misplaced' };
  }
  if (kind !== 'method') return misplacedOn(record, decorator, name);
  if (context.private === true) {
    record.misplaced.push(
      `${decorator} is on the private method ${String(name)}, which nobody outside the class can call. Take the # away; TypeScript's own private is no hindrance.`,
    );
    return { kind: 'misplaced' };
  }
  return { kind: 'method', record: methodRecordIn(record, name, true) };
}

/**
 * Adds what a parameter decorator says.
 * @throws {ConfigurationError} when it is called as a standard decorator: there are none for parameters
 */
export function declareParameter(
  decorator: string,
  target: object,
  key: string | symbol | StandardContext | undefined,
  index: unknown,
  declaration: ParameterDeclaration,
): void {
  if (typeof key === 'object') {
    throw new ConfigurationError([
      `${decorator} was called as a standard decorator (on the ${key.kind} ${String(key.name ?? '')}), but it is for parameters, and standard decorators know no parameters. Set "experimentalDecorators": true in tsconfig.json (swc: jsc.transform.legacyDecorator; Deno: compilerOptions; tsx, vite and Bun read tsconfig.json), or leave it out: a method is called with the payload and the context, as in @Listener({ queue, payload: PaySucceeded, headers: { tenant: 'x-tenant' } }) on(event, context).`,
    ]);
  }
  if (key === undefined) {
    classRecordIn((target as { prototype: object }).prototype).misplaced.push(
      typeof index === 'number'
        ? `${decorator} is on a parameter of the constructor. It belongs on a parameter of a listener method.`
        : `${decorator} is on the class. It belongs on a parameter of a listener method.`,
    );
    return;
  }
  const owner = legacyOwner(decorator, target, key);
  if (owner === undefined) return;
  if (typeof index !== 'number') {
    owner.misplaced.push(`${decorator} is on ${String(key)} itself. It belongs on a parameter of it.`);
    return;
  }
  const { parameters } = methodRecordIn(owner, key, false);
  const declared = parameters.get(index);
  if (declared === undefined) parameters.set(index, [declaration]);
  else declared.unshift(declaration);
}

function legacyOwner(decorator: string, target: object, key: string | symbol): ClassRecord | undefined {
  if (typeof target !== 'function') return classRecordIn(target);
  classRecordIn((target as { prototype: object }).prototype).misplaced.push(onStatic(decorator, key));
  return undefined;
}

function misplacedOn(owner: ClassRecord, decorator: string, key: string | symbol): DecoratorPlace {
  owner.misplaced.push(
    `${decorator} is on ${String(key)}, which is no method. Make it a method: ${String(key)}(...) { ... }`,
  );
  return { kind: 'misplaced' };
}

function onStatic(decorator: string, key: string | symbol): string {
  return `${decorator} is on the static method ${String(key)}. Listeners are methods of instances: remove static.`;
}
