import type { AttemptParts } from '../delivery/attempt-parts.js';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import type { Message } from '../message/message.js';
import type { EncodedPayload } from '../message/message-converter.js';

/** What a listener calls for a message: one route for a method listener, one of several for a class listener. */
export interface Handler {
  /**
   * Chooses by the message's type, without reading the body.
   * @throws {FatalMessageError} LEV_NO_HANDLER when nobody takes this type
   */
  route(message: Message): HandlerRoute;
}

/** One way through a handler: how its payload is read, and how it is called. */
export interface HandlerRoute {
  /** Name for logs, such as `PayStatusListener.onPaySucceeded`. */
  readonly name: string;
  /**
   * Reads, converts and validates the payload. What it throws is taken for the message's fault, for it has nothing else to
   * go by; what its promise rejects with only when it is a `FatalMessageError`, for a rule may have asked a database.
   */
  convert(message: Message): unknown;
  /**
   * Calls the handler through its interceptors. May throw, may return a promise.
   * @param parts hears of what may run on behind the answer; the answer itself is nobody's part
   */
  invoke(context: DeliveryContext, parts?: AttemptParts): unknown;
  readonly reply: ReplyPolicy;
}

/** What becomes of the value that a handler returns; `undefined` is never sent. */
export interface ReplyPolicy {
  /** Used when the request names no `replyTo`; `undefined` means that only requests that ask get a reply. */
  readonly sendTo: ReplyAddress | undefined;
  /** Writes the value as the body of the reply. */
  encode(value: unknown): EncodedPayload;
}

/** An exchange (empty for the default one) and a routing key. */
export interface ReplyAddress {
  readonly exchange: string;
  readonly routingKey: string;
}
