import type { PayloadType } from '@leveret/core';
import type { HandlerOptions } from '../decorators/handler.js';
import type { HeaderDeclarations } from '../decorators/header-declarations.js';
import { type Declared, declare } from './declared-function.js';
import type { HandlerCall, HandlerSurroundings } from './handler-surroundings.js';

/** Options of {@link handler}: those of `@Handler`, and what further decorators say of a method. */
export interface HandlerFunctionOptions<
  Payload extends PayloadType | undefined = PayloadType | undefined,
  Headers extends HeaderDeclarations = HeaderDeclarations,
> extends Omit<HandlerOptions, 'headers'>,
    HandlerSurroundings {
  /** What the payload is, as in {@link listener}. A class without `type` takes the messages that bear its name. */
  readonly payload?: Payload;
  /** Headers for `context.headers`: `{ tenant: 'x-tenant' }`. A message without a required one is rejected. */
  readonly headers?: Headers;
}

/** What {@link handler} makes, for `listener({ queue, handlers })`. */
export type DeclaredHandler<Call = unknown> = Call & Declared<'handler'>;

/**
 * Makes a plain function handle one type of message of a listener, as `@Handler` does with a method.
 *
 * ```ts
 * const onOrders = listener({
 *   queue: 'orders',
 *   handlers: [
 *     handler({ payload: OrderPlaced }, (order) => { ... }),
 *     handler({ payload: cancelled, type: 'order.cancelled' }, (order) => { ... }),
 *     handler({ isDefault: true }, () => { ... }),
 *   ],
 * });
 * ```
 */
export function handler<
  const Payload extends PayloadType | undefined = undefined,
  const Headers extends HeaderDeclarations = Record<never, never>,
  Call extends HandlerCall<Payload, Headers> = HandlerCall<Payload, Headers>,
>(
  options: HandlerFunctionOptions<Payload, Headers>,
  call: Call & HandlerCall<Payload, Headers>,
): DeclaredHandler<Call> {
  return declare({ kind: 'handler', options, call });
}
