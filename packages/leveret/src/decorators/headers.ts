import { declareParameter, parameter } from './decorator-place.js';
import type { ParameterTaking } from './decorator-types.js';

/** Marks a parameter that takes all application headers of the message, as they came. */
// biome-ignore lint/suspicious/noExplicitAny: nothing is declared of it
export function Headers(): ParameterTaking<Record<string, any>> {
  return parameter((target, key, index) => declareParameter('@Headers', target, key, index, { kind: 'headers' }));
}
