import { ConfigurationError, describeValue } from '../errors/configuration-error.js';
import type { PayloadType, PublishedPayloadOf } from '../message/payload-type.js';
import type { PublishRoute } from './build-publication.js';

/** Options of {@link channel}. */
export interface ChannelOptions {
  /** The `type` property of its messages, such as `pay.succeeded`. Default: none. */
  readonly type?: string;
}

const CHANNEL: unique symbol = Symbol.for('leveret.channel');

/** Where messages of one kind go, and what they hold: made by {@link channel}. */
export interface Channel<in Payload = never> {
  readonly [CHANNEL]: true;
  /** Empty for the default exchange. */
  readonly exchange: string;
  readonly routingKey: string | ((payload: Payload) => string);
  readonly type: string | undefined;
  /** What its payloads are declared as, which the publisher's `validate` goes by. */
  readonly payload: PayloadType | undefined;
}

/**
 * Says once where messages go and what they hold, so that the compiler checks each publish:
 *
 * ```ts
 * export const paySucceeded = channel('pay.direct', 'pay.success', { payload: PaySucceeded });
 * await publisher.publish(paySucceeded, { orderId: 7, paidAt: '2026-11-27T08:00:00Z' });
 * ```
 *
 * With a class or a schema, payloads are validated before they are sent when the publisher is asked to
 * (`publisher: { validate: validatePayload }`); of a schema its input is published, as it was given.
 * With a type alone, `channel<PaySucceeded>('pay.direct', 'pay.success')`, only the compiler looks.
 * @param exchange empty for the default exchange
 * @param routingKey text, or a function of the payload
 * @throws {ConfigurationError} when an argument is of another kind
 */
export function channel<Payload>(
  exchange: string,
  routingKey: string | ((payload: Payload) => string),
  options?: ChannelOptions,
): Channel<Payload>;
export function channel<const Declared extends PayloadType>(
  exchange: string,
  routingKey: string | ((payload: PublishedPayloadOf<Declared>) => string),
  options: ChannelOptions & { readonly payload: Declared },
): Channel<PublishedPayloadOf<Declared>>;
export function channel<Payload>(
  exchange: string,
  routingKey: string | ((payload: Payload) => string),
  options: ChannelOptions & { readonly payload?: PayloadType } = {},
): Channel<Payload> {
  const isKey = typeof routingKey === 'string' || typeof routingKey === 'function';
  if (typeof exchange !== 'string' || !isKey || typeof options !== 'object' || options === null) {
    throw new ConfigurationError([
      `channel() takes an exchange and a routing key (text, or a function of the payload), and options; got ${describeValue(exchange)} and ${describeValue(routingKey)}`,
    ]);
  }
  if ('payload' in options && options.payload === undefined) {
    throw new ConfigurationError([
      `channel(${describeValue(exchange)}, ${describeValue(routingKey)}) was given undefined as payload. The class is not defined yet: its module imports this one (a circular import). Move it to a module of its own.`,
    ]);
  }
  const { type, payload } = options;
  return Object.freeze({ [CHANNEL]: true as const, exchange, routingKey, type, payload });
}

/** Whether a value was made by {@link channel}, of whichever copy of this package. */
export function isChannel(value: unknown): value is Channel {
  return typeof value === 'object' && value !== null && (value as { [CHANNEL]?: unknown })[CHANNEL] === true;
}

/** Where a payload goes through a channel. */
export function routeOfChannel({ exchange, routingKey, type }: Channel, payload: unknown): PublishRoute {
  return { exchange, routingKey: typeof routingKey === 'function' ? routingKey(payload as never) : routingKey, type };
}
