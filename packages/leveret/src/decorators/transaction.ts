import { declareParameter } from './decorator-place.js';

/**
 * Marks a parameter that takes the transaction of the listener's inbox, as `context.transaction` does: what the handler
 * writes with it is committed together with the memory that the message was handled.
 */
export function Transaction(): ParameterDecorator {
  return (target, key, index) => declareParameter('@Transaction', target, key, index, { kind: 'transaction' });
}
