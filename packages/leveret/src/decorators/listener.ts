import { placeOf, type StandardContext } from './decorator-place.js';
import type { ListenerOptions } from './listener-options.js';

/** A decorator that fits a class and a method, as a legacy decorator (`experimentalDecorators`) and as a standard one. */
export type ClassOrMethodDecorator = (
  target: object,
  key?: string | symbol | StandardContext,
  descriptor?: TypedPropertyDescriptor<never> | PropertyDescriptor,
) => void;

/** A decorator that fits a method, as a legacy and as a standard one. */
export type MethodOnlyDecorator = (
  target: object,
  key: string | symbol | StandardContext,
  descriptor?: TypedPropertyDescriptor<never> | PropertyDescriptor,
) => void;

/**
 * Makes a method handle the messages of a queue. May stand several times on one method: each is a listener of its own.
 * On a class, its `@Handler` methods share the queue, and the type of a message chooses among them.
 *
 * ```ts
 * @Listener({ queue: 'trade.pay.success.queue', retry: { maxAttempts: 3 } })
 * async onPaySucceeded(@Payload() event: PaySucceeded) { ... }
 * ```
 *
 * Nothing is checked here: `Leveret.start` reads all listeners, and reports every fault at once.
 * @param queueOrOptions name of the queue, or all options
 */
export function Listener(queueOrOptions: string | ListenerOptions): ClassOrMethodDecorator {
  return (target, key, descriptor) => {
    const place = placeOf('@Listener', target, key, descriptor);
    // Decorators apply from the last to the first: the front keeps the order of the source.
    if (place.kind !== 'misplaced') place.record.listeners.unshift(queueOrOptions);
  };
}
