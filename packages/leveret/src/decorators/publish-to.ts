import { placeOf } from './class-record.js';

/** Where instances of a class are published. */
export interface PublishAddress {
  readonly exchange: string;
  readonly routingKey: string | ((payload: never) => string);
}

/**
 * Says where instances of a class are published: `publisher.publish(new PaySucceeded(...))` needs no address then.
 * Subclasses inherit it.
 * @param exchange empty for the default exchange
 * @param routingKey text, or a function of the instance
 */
export function PublishTo<T extends object>(
  exchange: string,
  routingKey: string | ((payload: T) => string),
  // biome-ignore lint/suspicious/noExplicitAny: a class decorator takes any constructor of T
): (target: abstract new (...args: any[]) => T) => void {
  return (target) => {
    const place = placeOf('@PublishTo', target, undefined, undefined);
    if (place.kind === 'class') place.record.publishTo.unshift({ exchange, routingKey });
  };
}
