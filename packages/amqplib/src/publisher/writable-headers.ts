import { type MessageHeaders, wireTable } from '@leveret/core';

/**
 * The headers as amqplib writes them: {@link wireTable}, with the types of numbers said, because amqplib guesses them.
 *
 * | number | amqplib alone | here |
 * |---|---|---|
 * | a whole number of up to 32 bits | the smallest type that holds it: 5 reaches Java as a `Byte` | 32 bits, as Java and most clients write it |
 * | below -2^63, a fraction from 2^50 | throws, for it takes them for 64-bit integers | a double |
 * | any other | what fits | the same |
 *
 * Answers the same object when there is nothing to say.
 * @throws {TypeError} with the path of what is no value of an AMQP table
 */
export function writableHeaders(headers: MessageHeaders): MessageHeaders {
  return writable(wireTable(headers, 'headers')) as MessageHeaders;
}

function writable(value: unknown): unknown {
  if (typeof value === 'number') return typed(value);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  // A value whose type is said already, such as a timestamp that was received: amqplib's own notation.
  if (Object.hasOwn(value, '!')) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => writable(item));
    return items.every((item, index) => Object.is(item, value[index])) ? value : items;
  }
  let changed: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const own = (value as Record<string, unknown>)[name];
    const written = writable(own);
    if (Object.is(own, written)) continue;
    changed ??= { ...value };
    changed[name] = written;
  }
  return changed ?? value;
}

function typed(value: number): unknown {
  if (Number.isInteger(value)) {
    if (value >= -(2 ** 31) && value < 2 ** 31) return { '!': 'int', value };
    return value >= -(2 ** 63) ? value : { '!': 'double', value };
  }
  return Math.abs(value) < 2 ** 50 ? value : { '!': 'double', value };
}
