import type { PayloadType } from '@leveret/core';
import { decorator, placeOf } from './decorator-place.js';
import type { ClassOrMethodDecorator } from './decorator-types.js';
import type { HeaderDeclarations } from './header-declarations.js';
import type { ListenerOptions } from './listener-options.js';

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
export function Listener<const Declared extends PayloadType = never, const Headers extends HeaderDeclarations = never>(
  queueOrOptions: string | ListenerOptions<Declared, Headers>,
): ClassOrMethodDecorator<Declared, Headers> {
  return decorator((target, key, descriptor) => {
    const place = placeOf('@Listener', target, key, descriptor);
    // Decorators apply from the last to the first: the front keeps the order of the source.
    if (place.kind !== 'misplaced') place.record.listeners.unshift(queueOrOptions);
  });
}
