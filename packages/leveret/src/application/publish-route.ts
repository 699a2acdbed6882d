import type { PublishRoute } from '@leveret/core';
import { publishAddressOf } from '../reading/publish-address.js';

/** Where an object is published, and as what, by the `@PublishTo` of its class; `undefined` when there is none. */
export function publishRouteOf(payload: object): PublishRoute | undefined {
  const address = publishAddressOf(Object.getPrototypeOf(payload) as object | null);
  if (address === undefined) return undefined;
  const { exchange, routingKey, type } = address;
  return { exchange, routingKey: typeof routingKey === 'function' ? routingKey(payload as never) : routingKey, type };
}
