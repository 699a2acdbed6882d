import 'reflect-metadata';
import { ConfigurationError } from '@leveret/core';
import type { InterceptorLike } from '../interceptor/interceptor-like.js';
import type { ListenerOptions } from './listener-options.js';
import type { PublishAddress } from './publish-to.js';

/** What `@Listener` was given. */
export type ListenerDeclaration = string | ListenerOptions;

/** What `@Handler` was given. */
export interface HandlerDeclaration {
  /** `type` is only looked at when this is `true`: an `undefined` that was given is a circular import. */
  readonly typeGiven: boolean;
  readonly type: unknown;
  readonly options: unknown;
}

/** What a parameter decorator was given. */
export type ParameterDeclaration =
  | { readonly kind: 'payload'; readonly typeGiven: boolean; readonly type: unknown }
  | { readonly kind: 'header'; readonly name: unknown; readonly options: unknown }
  | { readonly kind: 'headers' }
  | { readonly kind: 'message' }
  | { readonly kind: 'context' }
  | { readonly kind: 'transaction' };

/** What `@Scheduled` was given. */
export interface ScheduleDeclaration {
  readonly times: unknown;
  readonly options: unknown;
}

/** What the decorators said about one method. */
export interface MethodRecord {
  readonly listeners: ListenerDeclaration[];
  readonly handlers: HandlerDeclaration[];
  readonly parameters: Map<number, ParameterDeclaration[]>;
  readonly interceptors: InterceptorLike[];
  readonly sendTo: unknown[];
  readonly idempotent: unknown[];
  readonly schedules: ScheduleDeclaration[];
}

/** What the decorators said about one class itself, without its base classes. Nothing in it has been checked. */
export interface ClassRecord {
  readonly listeners: ListenerDeclaration[];
  readonly interceptors: InterceptorLike[];
  readonly sendTo: unknown[];
  readonly idempotent: unknown[];
  readonly publishTo: PublishAddress[];
  readonly methods: Map<string | symbol, MethodRecord>;
  /** Decorators on places where they can do nothing, told when the class is read. */
  readonly misplaced: string[];
}

const KEY = 'leveret:class-record';

/** The record of the class with this prototype, if a decorator of leveret is on it. Not its base classes'. */
export function findClassRecord(prototype: object): ClassRecord | undefined {
  return Reflect.getOwnMetadata(KEY, prototype) as ClassRecord | undefined;
}

/** Where a decorator stands, found from the arguments that TypeScript (or esbuild, or swc) calls it with. */
export type DecoratorPlace =
  | { readonly kind: 'class'; readonly record: ClassRecord }
  | { readonly kind: 'method'; readonly record: MethodRecord }
  | { readonly kind: 'misplaced' };

/** Finds the record that a class or method decorator writes to. */
export function placeOf(
  decorator: string,
  target: object,
  key: string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): DecoratorPlace {
  refuseStandardDecorators(decorator, key);
  if (key === undefined) return { kind: 'class', record: classRecord((target as { prototype: object }).prototype) };
  const owner = methodOwner(decorator, target, key);
  if (owner === undefined) return { kind: 'misplaced' };
  if (typeof descriptor?.value !== 'function') {
    owner.misplaced.push(
      `${decorator} is on ${String(key)}, which is no method. Make it a method: ${String(key)}(...) { ... }`,
    );
    return { kind: 'misplaced' };
  }
  return { kind: 'method', record: methodRecord(owner, key) };
}

/** Adds what a parameter decorator says. */
export function declareParameter(
  decorator: string,
  target: object,
  key: string | symbol | undefined,
  index: number,
  declaration: ParameterDeclaration,
): void {
  refuseStandardDecorators(decorator, key);
  if (key === undefined) {
    classRecord((target as { prototype: object }).prototype).misplaced.push(
      `${decorator} is on a parameter of the constructor. It belongs on a parameter of a listener method.`,
    );
    return;
  }
  const owner = methodOwner(decorator, target, key);
  if (owner === undefined) return;
  const { parameters } = methodRecord(owner, key);
  const declared = parameters.get(index);
  if (declared === undefined) parameters.set(index, [declaration]);
  else declared.unshift(declaration);
}

function methodOwner(decorator: string, target: object, key: string | symbol): ClassRecord | undefined {
  if (typeof target !== 'function') return classRecord(target);
  classRecord((target as { prototype: object }).prototype).misplaced.push(
    `${decorator} is on the static method ${String(key)}. Listeners are methods of instances: remove static.`,
  );
  return undefined;
}

function classRecord(prototype: object): ClassRecord {
  const found = findClassRecord(prototype);
  if (found !== undefined) return found;
  const made: ClassRecord = {
    listeners: [],
    interceptors: [],
    sendTo: [],
    idempotent: [],
    publishTo: [],
    methods: new Map(),
    misplaced: [],
  };
  Reflect.defineMetadata(KEY, made, prototype);
  return made;
}

function methodRecord(owner: ClassRecord, key: string | symbol): MethodRecord {
  const found = owner.methods.get(key);
  if (found !== undefined) return found;
  const made: MethodRecord = {
    listeners: [],
    handlers: [],
    parameters: new Map(),
    interceptors: [],
    sendTo: [],
    idempotent: [],
    schedules: [],
  };
  owner.methods.set(key, made);
  return made;
}

/** Standard (TC39) decorators are called with a context object where the legacy ones get the name of the member. */
function refuseStandardDecorators(decorator: string, key: unknown): void {
  if (typeof key !== 'object' || key === null) return;
  throw new ConfigurationError([
    `${decorator} was called as a standard decorator, which has no parameter decorators. Set "experimentalDecorators": true in tsconfig.json (tsx, vite and swc read it, or have a setting of that name).`,
  ]);
}
