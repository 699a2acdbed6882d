import type { ByteWriter } from './byte-writer.js';

/**
 * Writes the entries of a field table, without the length before them, in the types that amqplib writes;
 * `{ '!': type, value }` says a type, as there.
 * @throws {TypeError} for what is no value of a table
 * @see https://www.rabbitmq.com/amqp-0-9-1-errata#section_3
 */
export function writeEntries(to: ByteWriter, table: object): void {
  // As amqplib does: inherited names as well, and nothing for what is undefined.
  for (const name in table) {
    const value = (table as Record<string, unknown>)[name];
    if (value === undefined) continue;
    to.shortText(name, 'the name of a header');
    writeField(to, value);
  }
}

function writeField(to: ByteWriter, value: unknown): void {
  switch (typeof value) {
    case 'string':
      to.octet(TYPE.text);
      to.longText(value);
      return;
    case 'boolean':
      to.octet(TYPE.boolean);
      to.octet(value ? 1 : 0);
      return;
    case 'bigint':
      writeNumber(to, 'long', value);
      return;
    case 'number':
      writeNumber(to, typeOf(value), value);
      return;
    case 'object':
      if (value === null) to.octet(TYPE.nothing);
      else writeObject(to, value);
      return;
    default:
      throw new TypeError(`Expected a value of an AMQP table; got ${typeof value}`);
  }
}

function writeObject(to: ByteWriter, value: object): void {
  if (Buffer.isBuffer(value)) {
    to.octet(TYPE.bytes);
    to.long(value.length);
    to.raw(value);
  } else if (Array.isArray(value)) {
    to.octet(TYPE.list);
    to.withLength(() => {
      for (const item of value) writeField(to, item);
    });
  } else if (Object.hasOwn(value, '!')) {
    const { '!': type, value: said } = value as { readonly '!': unknown; readonly value: unknown };
    if (type === 'decimal') writeDecimal(to, said);
    else writeNumber(to, String(type), said);
  } else {
    to.octet(TYPE.table);
    to.withLength(() => writeEntries(to, value));
  }
}

function writeDecimal(to: ByteWriter, value: unknown): void {
  const { places, digits } = value as { readonly places: number; readonly digits: number };
  to.octet(TYPE.decimal);
  const { bytes, at } = to.room(5);
  bytes.writeUInt8(places, at);
  bytes.writeUInt32BE(digits, at + 1);
}

/** As amqplib chooses it, but for the small ones: `writableHeaders` has said theirs. */
function typeOf(value: number): string {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63 ? 'long' : 'double';
}

/** The letters that say a type, as bytes. */
const TYPE = {
  text: 0x53,
  boolean: 0x74,
  nothing: 0x56,
  bytes: 0x78,
  list: 0x41,
  table: 0x46,
  decimal: 0x44,
} as const;

type Write = (bytes: Buffer, value: never, at: number) => void;

const WRITERS: Readonly<Record<string, readonly [type: string, bytes: number, write: Write]>> = {
  byte: ['b', 1, (bytes, value, at) => bytes.writeInt8(value, at)],
  short: ['s', 2, (bytes, value, at) => bytes.writeInt16BE(value, at)],
  int: ['I', 4, (bytes, value, at) => bytes.writeInt32BE(value, at)],
  long: ['l', 8, (bytes, value, at) => bytes.writeBigInt64BE(BigInt(value), at)],
  timestamp: ['T', 8, (bytes, value, at) => bytes.writeBigUInt64BE(BigInt(value), at)],
  float: ['f', 4, (bytes, value, at) => bytes.writeFloatBE(value, at)],
  double: ['d', 8, (bytes, value, at) => bytes.writeDoubleBE(value, at)],
};

function writeNumber(to: ByteWriter, type: string, value: unknown): void {
  const writer = Object.hasOwn(WRITERS, type) ? WRITERS[type] : undefined;
  if (writer === undefined) throw new TypeError(`Expected a type of an AMQP table; got ${JSON.stringify(type)}`);
  const [letter, size, write] = writer;
  to.octet(letter.charCodeAt(0));
  const { bytes, at } = to.room(size);
  write(bytes, value as never, at);
}
