import { declareParameter } from './decorator-place.js';

/**
 * Marks a parameter that takes the `DeliveryContext`: facts of the delivery, its AbortSignal, and `ack`, `requeue` and
 * `reject` for manual mode.
 */
export function Context(): ParameterDecorator {
  return (target, key, index) => declareParameter('@Context', target, key, index, { kind: 'context' });
}
