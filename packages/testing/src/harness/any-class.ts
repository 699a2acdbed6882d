/** Any class, abstract ones included, whatever its constructor takes. */
// biome-ignore lint/suspicious/noExplicitAny: a class is known by any constructor arguments
export type AnyClass<T = object> = abstract new (...args: any[]) => T;
