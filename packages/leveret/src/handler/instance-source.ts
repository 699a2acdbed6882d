import type { DeliveryContext } from '@leveret/core';

/** Where the instance of a class comes from: made once, or made for each attempt. */
export type InstanceSource<T extends object = object> =
  | { readonly kind: 'shared'; readonly instance: T }
  | { readonly kind: 'per-attempt'; make(context: DeliveryContext): T | Promise<T> };

/** Calls `use` with the instance for this attempt. */
export function withInstance<T extends object>(
  source: InstanceSource<T>,
  context: DeliveryContext,
  use: (instance: T) => unknown,
): unknown {
  if (source.kind === 'shared') return use(source.instance);
  const made = source.make(context);
  if (!(made instanceof Promise)) return use(made);
  return made.then((instance) => {
    // The delivery may have been decided meanwhile, as by a time-out: nothing of the attempt is to begin any more.
    context.signal.throwIfAborted();
    return use(instance);
  });
}
