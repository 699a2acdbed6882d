import type { PayloadOf, PayloadType } from '@leveret/core';
import type { HeaderDeclarations, HeadersOf, ListenerContext } from '../decorators/header-declarations.js';
import type { IdempotencyKey, IdempotentOptions } from '../decorators/idempotent.js';
import type { InterceptorLike } from '../interceptor/interceptor-like.js';

/** What decorators say of a method beside `@Listener` and `@Handler`, said of a function. */
export interface HandlerSurroundings {
  /** Around the function, as `@UseInterceptors`; the first is outermost. */
  readonly interceptors?: readonly InterceptorLike[];
  /** Where a returned value is sent when the message asks for no reply itself, as `@SendTo`: `exchange/routingKey`. */
  readonly sendTo?: string;
  /** The function takes effect once for each message, as `@Idempotent`: `true`, the key, or all options. */
  readonly idempotent?: boolean | IdempotencyKey | IdempotentOptions;
}

/** What a function gets for the payload it declares. Without any, nothing: its body is not read. */
export type EventOf<Payload> = [Payload] extends [PayloadType] ? PayloadOf<Payload> : undefined;

/** What leveret calls: with the payload, and with the delivery and the declared headers. */
export type HandlerCall<Payload, Headers extends HeaderDeclarations> = (
  event: EventOf<Payload>,
  // biome-ignore lint/suspicious/noExplicitAny: what an inbox hands out is known to who has the inbox
  context: ListenerContext<HeadersOf<Headers>, EventOf<Payload>, any>,
) => unknown;
