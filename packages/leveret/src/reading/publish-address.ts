import { findClassRecord } from '../decorators/class-record.js';
import type { PublishAddress } from '../decorators/publish-address.js';

/** What the `@PublishTo` of a class or of the nearest base class says; `undefined` when there is none. */
export function publishAddressOf(prototype: object | null): PublishAddress | undefined {
  for (let current = prototype; current !== null; current = Object.getPrototypeOf(current) as object | null) {
    const address = findClassRecord(current)?.publishTo[0];
    if (address !== undefined) return address;
  }
  return undefined;
}
