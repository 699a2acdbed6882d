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
   * Reads, converts and validates the payload.
   * @throws {FatalMessageError} when the message is at fault
   */
  convert(message: Message): unknown;
  /** Calls the handler through its interceptors. May throw, may return a promise. */
  invoke(context: DeliveryContext): unknown;
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
