import { type Channel, ConfigurationError, describeValue, isChannel } from '@leveret/core';
import { placeOf, type StandardContext } from './decorator-place.js';
import type { PublishAddress, PublishToOptions } from './publish-address.js';

// biome-ignore lint/suspicious/noExplicitAny: a class decorator takes any constructor of T
type ClassDecoratorOf<T> = (target: abstract new (...args: any[]) => T, context?: StandardContext) => void;

/**
 * Says where instances of a class are published: `publisher.publish(new PaySucceeded(...))` needs no address then.
 * Subclasses inherit it, type and all.
 * A channel says all of it at once, and what its payloads are: `@PublishTo(paySucceeded)`.
 * @param exchange empty for the default exchange
 * @param routingKey text, or a function of the instance
 * @throws {ConfigurationError} when it is given something else
 */
export function PublishTo<T extends object>(
  exchange: string,
  routingKey: string | ((payload: T) => string),
  options?: PublishToOptions,
): ClassDecoratorOf<T>;
export function PublishTo<T extends object>(channel: Channel<T>): ClassDecoratorOf<T>;
export function PublishTo<T extends object>(
  target: string | Channel<T>,
  routingKey?: string | ((payload: T) => string),
  options: PublishToOptions = {},
): ClassDecoratorOf<T> {
  const isKey = typeof routingKey === 'string' || typeof routingKey === 'function';
  if (!isChannel(target) && !(typeof target === 'string' && isKey)) {
    throw new ConfigurationError([
      `@PublishTo takes an exchange and a routing key, or a channel; got ${describeValue(target)} and ${describeValue(routingKey)}. A channel that is undefined comes of a circular import: move it to a module of its own.`,
    ]);
  }
  const address = isChannel(target) ? target : { ...options, exchange: target, routingKey };
  return (decorated, context) => {
    const place = placeOf('@PublishTo', decorated, context, undefined);
    if (place.kind === 'class') place.record.publishTo.unshift(address as PublishAddress);
  };
}
