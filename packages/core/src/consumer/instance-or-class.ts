/** An instance, or a class that the container makes one of. */
// biome-ignore lint/suspicious/noExplicitAny: an injectable class may take any constructor arguments
export type InstanceOrClass<T> = T | (new (...args: any[]) => T);
