import type { Channel } from './channel.js';
import type { PublishOptions } from './publish-options.js';

type AnyFunction = ((...args: never) => unknown) | (abstract new (...args: never) => unknown);

/** A payload, as far as the compiler can tell: what has no form in a message is refused, by its text. */
export type Publishable<Payload> = Payload extends undefined | symbol | AnyFunction
  ? 'undefined, functions and classes have no form in a message: publish null, text, an object or bytes'
  : Payload;

/** An instance of a class that says itself where it goes. Whether its class has `@PublishTo`, publishing tells. */
export type PublishableInstance<Payload> = Payload extends Channel
  ? 'a channel takes a payload of its own type: publish(channel, payload)'
  : Payload extends readonly unknown[] | AnyFunction
    ? 'publish(payload) takes an instance of a class with @PublishTo'
    : Payload;

/** One message of a batch, through a channel. */
export interface ChannelMessage<Payload> {
  readonly channel: Channel<Payload>;
  readonly payload: Publishable<Payload>;
  readonly options?: PublishOptions | undefined;
}

/** One message of a batch: an exchange and routing key, or a queue. */
export type BatchMessage =
  | {
      readonly exchange: string;
      readonly routingKey: string;
      readonly payload: unknown;
      readonly options?: PublishOptions | undefined;
    }
  | { readonly queue: string; readonly payload: unknown; readonly options?: PublishOptions | undefined };

/** An item of `publishAll`. */
export type PublishableItem<Item> = Item extends { readonly channel: Channel<infer Payload> }
  ? ChannelMessage<Payload>
  : Item extends { readonly payload: unknown } & ({ readonly exchange: unknown } | { readonly queue: unknown })
    ? BatchMessage
    : PublishableInstance<Item>;
