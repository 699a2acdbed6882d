import { declareParameter, parameter } from './decorator-place.js';
import type { ParameterTaking } from './decorator-types.js';

/**
 * Marks a parameter that takes the transaction of the listener's inbox, as `context.transaction` does: what the handler
 * writes with it is committed together with the memory that the message was handled.
 */
// biome-ignore lint/suspicious/noExplicitAny: nothing is declared of it
export function Transaction(): ParameterTaking<any> {
  return parameter((target, key, index) =>
    declareParameter('@Transaction', target, key, index, { kind: 'transaction' }),
  );
}
