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
