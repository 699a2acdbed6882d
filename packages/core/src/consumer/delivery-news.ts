import type { DeliveryEvent } from '../events/delivery-event.js';

type WithoutFacts<T> = T extends unknown ? Omit<T, 'listenerId' | 'queue' | 'message'> : never;

/** A {@link DeliveryEvent} without the facts that the reporter adds. */
export type DeliveryNews = WithoutFacts<DeliveryEvent>;
