import type { DeliveryContext } from '@leveret/core';
import { declareParameter, parameter } from './decorator-place.js';
import type { ParameterTaking } from './decorator-types.js';

/**
 * Marks a parameter that takes the `DeliveryContext`: facts of the delivery, its AbortSignal, and `ack`, `requeue` and
 * `reject` for manual mode.
 */
// biome-ignore lint/suspicious/noExplicitAny: nothing is declared of it
export function Context(): ParameterTaking<DeliveryContext<any, any>> {
  return parameter((target, key, index) => declareParameter('@Context', target, key, index, { kind: 'context' }));
}
