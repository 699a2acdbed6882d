import type { Problems } from '@leveret/core';

/** Any class, whatever its constructor takes. */
// biome-ignore lint/suspicious/noExplicitAny: a class is known by any constructor arguments
export type AnyClass<T = object> = new (...args: any[]) => T;

/**
 * Whether a value is a class and not a plain function: written as one, or (in code compiled for old engines) with
 * methods on its prototype.
 */
export function isClass(value: unknown): value is AnyClass {
  if (typeof value !== 'function') return false;
  if (/^class\b/.test(Function.prototype.toString.call(value))) return true;
  const prototype = value.prototype as object | undefined;
  return prototype !== undefined && Object.getOwnPropertyNames(prototype).length > 1;
}

/** What compilers call a class that has no name of its own. */
const NO_NAME = /^(?:|default|default_\d+|_[a-z]|class_\d+)$/;

/**
 * Notes a fault when a class has no name that an id could be made of: ids are kept in stores, and stand in logs and metrics.
 * @param decorator whose `id` would do instead
 */
export function checkName(each: AnyClass, decorator: string, problems: Problems): void {
  if (!NO_NAME.test(String(each.name))) return;
  problems.add(
    `the class has no name, so that its ids are those of any other class without one. Give the class a name, or ${decorator} an id`,
  );
}
