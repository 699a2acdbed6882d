import { declareParameter } from './decorator-place.js';

/** Marks a parameter that takes all application headers of the message, as they came. */
export function Headers(): ParameterDecorator {
  return (target, key, index) => declareParameter('@Headers', target, key, index, { kind: 'headers' });
}
