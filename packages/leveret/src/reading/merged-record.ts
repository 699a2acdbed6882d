import {
  findClassRecord,
  type HandlerDeclaration,
  type ListenerDeclaration,
  type ParameterDeclaration,
  type ScheduleDeclaration,
} from '../decorators/class-record.js';
import type { InterceptorLike } from '../interceptor/interceptor-like.js';
import type { AnyClass } from './class-kind.js';

/** What one method of a class is declared to be, with what it inherits. */
export interface MergedMethod {
  readonly key: string | symbol;
  /** Declared by standard decorators: called with payload and context. */
  readonly standard: boolean;
  readonly listeners: readonly ListenerDeclaration[];
  readonly handlers: readonly HandlerDeclaration[];
  readonly parameters: ReadonlyMap<number, readonly ParameterDeclaration[]>;
  readonly interceptors: readonly InterceptorLike[];
  readonly sendTo: readonly unknown[];
  readonly idempotent: readonly unknown[];
  readonly schedules: readonly ScheduleDeclaration[];
}

/** What a class is declared to be, with what it inherits. */
export interface MergedClass {
  readonly listeners: readonly ListenerDeclaration[];
  /** Those of base classes first. */
  readonly interceptors: readonly InterceptorLike[];
  readonly sendTo: readonly unknown[];
  readonly idempotent: readonly unknown[];
  readonly methods: readonly MergedMethod[];
  readonly misplaced: readonly string[];
}

/**
 * Puts together what the decorators said about a class and its base classes. Of each kind, what a class says about
 * itself or a method replaces what its base class says; what it does not say, it inherits. Interceptors of classes add
 * up. `undefined` when no decorator of leveret is on any of them.
 */
export function mergedRecord(listenerClass: AnyClass): MergedClass | undefined {
  let merged: MergedClass | undefined;
  for (const prototype of lineage(listenerClass)) {
    const own = findClassRecord(prototype);
    if (own === undefined) continue;
    const methods = new Map((merged?.methods ?? []).map((method) => [method.key, method]));
    for (const [key, record] of own.methods) {
      const base = methods.get(key);
      methods.set(key, {
        key,
        standard: record.standard,
        listeners: ownOr(record.listeners, base?.listeners),
        handlers: ownOr(record.handlers, base?.handlers),
        parameters: record.parameters.size > 0 ? record.parameters : (base?.parameters ?? record.parameters),
        interceptors: ownOr(record.interceptors, base?.interceptors),
        sendTo: ownOr(record.sendTo, base?.sendTo),
        idempotent: ownOr(record.idempotent, base?.idempotent),
        schedules: ownOr(record.schedules, base?.schedules),
      });
    }
    merged = {
      listeners: ownOr(own.listeners, merged?.listeners),
      interceptors: [...(merged?.interceptors ?? []), ...own.interceptors],
      sendTo: ownOr(own.sendTo, merged?.sendTo),
      idempotent: ownOr(own.idempotent, merged?.idempotent),
      methods: [...methods.values()],
      misplaced: [...(merged?.misplaced ?? []), ...own.misplaced],
    };
  }
  return merged;
}

function ownOr<T>(own: readonly T[], inherited: readonly T[] | undefined): readonly T[] {
  return own.length > 0 || inherited === undefined ? own : inherited;
}

/** The prototypes of a class, the base class first. */
function lineage(listenerClass: AnyClass): object[] {
  const prototypes: object[] = [];
  let prototype: object | null = listenerClass.prototype as object;
  while (prototype !== null && prototype !== Object.prototype) {
    prototypes.unshift(prototype);
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return prototypes;
}
