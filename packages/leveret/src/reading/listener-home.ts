import { type AnyClass, isClass } from './class-kind.js';

/** Where listeners and schedules are declared: a class, an instance of one, or functions. */
export type ListenerHome = ClassHome | FunctionHome;

/** A class, or an instance of it. */
export interface ClassHome {
  /** What stood in `listeners` or `schedules`. */
  readonly given: unknown;
  readonly class: AnyClass;
  /** `undefined` when the container makes it. */
  readonly instance: object | undefined;
}

/** Functions, as the methods of an object. */
export interface FunctionHome {
  readonly given: unknown;
  readonly class: undefined;
  readonly instance: object;
}

/** The home that a class or an instance is; `undefined` when it is neither. */
export function homeOf(given: unknown): ClassHome | undefined {
  if (isClass(given)) return { given, class: given, instance: undefined };
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
  const made: unknown = given.constructor;
  return isClass(made) && (made as unknown) !== Object ? { given, class: made, instance: given } : undefined;
}
