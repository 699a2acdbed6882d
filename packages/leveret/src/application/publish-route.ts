import type { PublishRoute } from '@leveret/core';
import { findClassRecord } from '../decorators/class-record.js';
import type { PublishAddress } from '../decorators/publish-to.js';

/** Where an object is published by the `@PublishTo` of its class or the nearest base class; `undefined` when there is none. */
export function publishRouteOf(payload: object): PublishRoute | undefined {
  const address = addressOf(Object.getPrototypeOf(payload) as object | null);
  if (address === undefined) return undefined;
  const { exchange, routingKey } = address;
  return { exchange, routingKey: typeof routingKey === 'function' ? routingKey(payload as never) : routingKey };
}

function addressOf(prototype: object | null): PublishAddress | undefined {
  for (let current = prototype; current !== null; current = Object.getPrototypeOf(current) as object | null) {
    const address = findClassRecord(current)?.publishTo[0];
    if (address !== undefined) return address;
  }
  return undefined;
}
