/**
 * The entries of a field table, without the length before them, in the types that amqplib writes; `{ '!': type, value }`
 * says a type, as there.
 * @throws {TypeError} for what is no value of a table
 * @see https://www.rabbitmq.com/amqp-0-9-1-errata#section_3
 */
export function tableEntries(table: object): Buffer {
  const parts: Buffer[] = [];
  addEntries(table, parts);
  return Buffer.concat(parts);
}

/** Text with its length in one byte before it. */
export function shortText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 255) throw new TypeError(`Expected text of at most 255 bytes; got ${bytes.length} bytes`);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** Bytes with their length in four bytes before them. */
export function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function addEntries(table: object, parts: Buffer[]): void {
  // As amqplib does: inherited names as well, and nothing for what is undefined.
  for (const name in table) {
    const value = (table as Record<string, unknown>)[name];
    if (value !== undefined) parts.push(shortText(name), field(value));
  }
}

function field(value: unknown): Buffer {
  switch (typeof value) {
    case 'string':
      return typed('S', withLength(Buffer.from(value)));
    case 'boolean':
      return typed('t', Buffer.from([value ? 1 : 0]));
    case 'bigint':
      return number('long', value);
    case 'number':
      return number(typeOf(value), value);
    case 'object':
      return value === null ? typed('V', Buffer.alloc(0)) : object(value);
    default:
      throw new TypeError(`Expected a value of an AMQP table; got ${typeof value}`);
  }
}

function object(value: object): Buffer {
  if (Buffer.isBuffer(value)) return typed('x', withLength(value));
  if (Array.isArray(value)) return typed('A', withLength(Buffer.concat(value.map(field))));
  if (Object.hasOwn(value, '!')) {
    const { '!': type, value: said } = value as { readonly '!': unknown; readonly value: unknown };
    return type === 'decimal' ? decimal(said) : number(String(type), said);
  }
  return typed('F', withLength(tableEntries(value)));
}

function decimal(value: unknown): Buffer {
  const { places, digits } = value as { readonly places: number; readonly digits: number };
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(places);
  bytes.writeUInt32BE(digits, 1);
  return typed('D', bytes);
}

/** As amqplib chooses it, but for the small ones: `writableHeaders` has said theirs. */
function typeOf(value: number): string {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63 ? 'long' : 'double';
}

const WRITERS: Readonly<
  Record<string, readonly [type: string, bytes: number, write: (to: Buffer, value: never) => void]>
> = {
  byte: ['b', 1, (to, value) => to.writeInt8(value)],
  short: ['s', 2, (to, value) => to.writeInt16BE(value)],
  int: ['I', 4, (to, value) => to.writeInt32BE(value)],
  long: ['l', 8, (to, value) => to.writeBigInt64BE(BigInt(value))],
  timestamp: ['T', 8, (to, value) => to.writeBigUInt64BE(BigInt(value))],
  float: ['f', 4, (to, value) => to.writeFloatBE(value)],
  double: ['d', 8, (to, value) => to.writeDoubleBE(value)],
};

function number(type: string, value: unknown): Buffer {
  const writer = Object.hasOwn(WRITERS, type) ? WRITERS[type] : undefined;
  if (writer === undefined) throw new TypeError(`Expected a type of an AMQP table; got ${JSON.stringify(type)}`);
  const [tag, size, write] = writer;
  const bytes = Buffer.alloc(size);
  write(bytes, value as never);
  return typed(tag, bytes);
}

function typed(tag: string, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(tag), bytes]);
}
