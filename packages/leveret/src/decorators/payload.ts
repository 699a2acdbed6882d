import type { PayloadType } from '@leveret/core';
import { declareParameter, parameter } from './decorator-place.js';
import type { ParameterTakingPayload } from './decorator-types.js';

/**
 * Marks the parameter that takes the payload: converted, made an instance of its class, and validated.
 *
 * | declared | the handler gets |
 * |---|---|
 * | a class | an instance of it, validated by class-validator |
 * | a schema of zod, valibot, arktype, ... | what the schema makes of the body |
 * | `[PaySucceeded]` | an array of instances, each validated |
 * | `String`, `Number`, `Boolean` | that value; anything else is rejected |
 * | `Buffer` | the bytes of the body |
 * | `Object` | whatever the converter reads, unchecked |
 *
 * @param type may be left out when the build emits decorator metadata and the parameter's type is a class
 */
export function Payload<const Declared extends PayloadType = never>(type?: Declared): ParameterTakingPayload<Declared>;
export function Payload(...given: unknown[]): ParameterTakingPayload<never> {
  const declaration = { kind: 'payload', typeGiven: given.length > 0, type: given[0] } as const;
  return parameter((target, key, index) => declareParameter('@Payload', target, key, index, declaration));
}
