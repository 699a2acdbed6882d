import { describeKind, MessageConversionError } from '@leveret/core';
import type { ElementReader } from './element-reader.js';
import type { Scalar } from './payload-target.js';

/** Values of one of JavaScript's scalars, and of no other: nothing is turned into text or a number. */
export function scalarReader(scalar: Scalar): ElementReader {
  return {
    make(value, path) {
      if (typeof value === scalar) return value;
      const place = path === '' ? '' : ` at ${path}`;
      throw new MessageConversionError(
        `The payload${place} is declared as a ${scalar}; got ${describeKind(value)}. Send a JSON ${scalar}, or declare the type that is sent.`,
      );
    },
  };
}
