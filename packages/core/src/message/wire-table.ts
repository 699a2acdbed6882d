import { types } from 'node:util';
import { describeKind, describeValue } from '../errors/configuration-error.js';
import { pathText } from './json-path.js';

/** Readers and writers recurse, and so does the broker: tables and arrays within each other, at most this deep. */
const MAX_DEPTH = 64;
const MAX_NAME_BYTES = 255;

type Path = readonly (string | number)[];

/**
 * An AMQP table of headers or arguments, as transports write it:
 *
 * | given | written |
 * |---|---|
 * | text, boolean, null, a finite number | the same |
 * | a `Date` from 1970 on | a timestamp, in whole seconds |
 * | `Buffer`, `Uint8Array`, `DataView`, `ArrayBuffer` | a byte array |
 * | `bigint` | a number where that is exact, else a 64-bit integer |
 * | an array, a plain object | an array, a table, of the same values |
 * | `{ '!': type, value }` | a value whose type is said, as amqplib does |
 * | `undefined` in an object | nothing |
 *
 * Anything else is refused: a Map, an Error, an instance, a function, NaN (for which RabbitMQ closes the connection), what
 * nests over 64 deep. Answers the same object when it needs no change.
 * @param name what the table is called in error texts
 * @throws {TypeError} with the path of what is no value of a table
 * @see https://www.rabbitmq.com/amqp-0-9-1-errata#section_3
 */
export function wireTable<T extends object>(table: T, name: string): T {
  if (!isPlainObject(table)) throw refused([name], describeValue(table), 'a plain object');
  return entries(table, [name]) as T;
}

/** @throws {TypeError} */
function wireValue(value: unknown, path: Path): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      throw refused(path, String(value));
    case 'bigint':
      return wholeNumber(value, path);
    case 'object':
      return value === null ? value : wireObject(value, path);
    default:
      throw refused(path, describeKind(value));
  }
}

function wireObject(value: object, path: Path): unknown {
  if (path.length > MAX_DEPTH + 1) throw refused(path.slice(0, 3), `nested over ${MAX_DEPTH} deep, or in a circle`);
  if (Buffer.isBuffer(value)) return value;
  if (types.isDate(value)) return timestamp(value, path);
  const bytes = asBytes(value);
  if (bytes !== undefined) return bytes;
  if (Array.isArray(value)) {
    // Not map(): it skips what is missing.
    const items = Array.from(value as unknown[], (item, index) => wireValue(item, [...path, index]));
    return items.some((item, index) => !Object.is(item, value[index])) ? items : value;
  }
  if (!isPlainObject(value)) throw refused(path, describeValue(value));
  if (Object.hasOwn(value, '!')) return typed(value as Typed, path);
  return entries(value, path);
}

function entries(table: object, path: Path): object {
  let changed: Map<string, unknown> | undefined;
  for (const name of Object.keys(table)) {
    const own = (table as Record<string, unknown>)[name];
    if (own === undefined) continue;
    const here = [...path, name];
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw refused(here, `a name above ${MAX_NAME_BYTES} bytes`);
    const written = wireValue(own, here);
    if (Object.is(own, written)) continue;
    changed ??= new Map(Object.entries(table));
    changed.set(name, written);
  }
  // Unlike assignment, this makes an own property of __proto__ too.
  return changed === undefined ? table : Object.fromEntries(changed);
}

function timestamp(date: Date, path: Path): unknown {
  const seconds = Math.floor(date.getTime() / 1000);
  if (seconds >= 0) return { '!': 'timestamp', value: seconds };
  throw refused(path, Number.isNaN(seconds) ? 'an invalid Date' : 'a Date before 1970', 'a Date from 1970 on');
}

/** Bytes, in whatever they are held. Arrays of wider numbers are no bytes: their order differs between machines. */
function asBytes(value: object): Buffer | undefined {
  if (value instanceof Uint8Array || value instanceof Uint8ClampedArray || value instanceof DataView) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  return types.isAnyArrayBuffer(value) ? Buffer.from(value) : undefined;
}

function wholeNumber(value: bigint, path: Path): unknown {
  if (Number.isSafeInteger(Number(value))) return Number(value);
  if (value >= -(2n ** 63n) && value < 2n ** 63n) return { '!': 'long', value: String(value) };
  throw refused(path, 'a bigint above 64 bits', 'a whole number from -2^63 to 2^63 - 1');
}

/** Whether it is an object of no class. Of this realm or another, such as a `vm` context: there is no prototype, or it is the last. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

interface Typed {
  readonly '!': unknown;
  readonly value?: unknown;
}

/** Whole numbers, by the names that amqplib has for their types: the bits, and whether there is a sign. */
const WHOLE: Readonly<Record<string, readonly [bits: bigint, signed: boolean]>> = {
  byte: [8n, true],
  int8: [8n, true],
  unsignedbyte: [8n, false],
  uint8: [8n, false],
  short: [16n, true],
  int16: [16n, true],
  unsignedshort: [16n, false],
  uint16: [16n, false],
  int: [32n, true],
  int32: [32n, true],
  unsignedint: [32n, false],
  uint32: [32n, false],
  long: [64n, true],
  int64: [64n, true],
  timestamp: [64n, false],
};
const FRACTIONS: ReadonlySet<unknown> = new Set(['double', 'float64', 'float']);

function typed(said: Typed, path: Path): unknown {
  const { '!': type, value } = said;
  const isRight =
    (typeof type === 'string' && Object.hasOwn(WHOLE, type) && isWithin(value, WHOLE[type])) ||
    (FRACTIONS.has(type) && Number.isFinite(value)) ||
    (type === 'decimal' && isDecimal(value)) ||
    ((type === 'string' || type === 'boolean') && typeof value === type);
  if (isRight) return said;
  throw refused(path, `${describeKind(value)} that is said to be ${describeValue(type)}`);
}

function isWithin(value: unknown, range: (typeof WHOLE)[string] | undefined): boolean {
  const whole = asWhole(value);
  if (range === undefined || whole === undefined) return false;
  const [bits, signed] = range;
  return signed ? BigInt.asIntN(Number(bits), whole) === whole : BigInt.asUintN(Number(bits), whole) === whole;
}

function asWhole(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  return Number.isInteger(value) ? BigInt(value as number) : undefined;
}

function isDecimal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { places, digits } = value as { readonly places?: unknown; readonly digits?: unknown };
  return isWithin(places, WHOLE['uint8']) && isWithin(digits, WHOLE['uint32']);
}

const VALUES = 'text, a boolean, a finite number, a bigint of 64 bits, a Date, bytes, null, an array or a plain object';

function refused([name, ...steps]: Path, what: string, expected = VALUES): TypeError {
  const inner = pathText(steps);
  const path = inner === '' || inner.startsWith('[') ? `${name}${inner}` : `${name}.${inner}`;
  return new TypeError(`${path} is ${what}, which AMQP has no value for. Expected ${expected}.`);
}
