import type { Message as RawMessage } from '@leveret/core';
import { declareParameter, parameter } from './decorator-place.js';
import type { ParameterTaking } from './decorator-types.js';

/** A message as it arrived: body, properties, headers, and the way it came. */
export type Message = RawMessage;

/** Marks a parameter that takes the raw message: body, properties, headers, exchange and routing key. */
export function Message(): ParameterTaking<RawMessage> {
  return parameter((target, key, index) => declareParameter('@Message', target, key, index, { kind: 'message' }));
}
