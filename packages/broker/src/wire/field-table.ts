/** The type letters of RabbitMQ's field tables, with the names RabbitMQ's errors use for them. */
export const FIELD_TYPE_NAMES = {
  t: 'bool',
  b: 'byte',
  B: 'unsignedbyte',
  s: 'short',
  u: 'unsignedshort',
  I: 'signedint',
  i: 'unsignedint',
  l: 'long',
  L: 'long',
  f: 'float',
  d: 'double',
  D: 'decimal',
  S: 'longstr',
  x: 'binary',
  A: 'array',
  T: 'timestamp',
  F: 'table',
  V: 'void',
} as const;

/** One letter naming a field's type. */
export type FieldTag = keyof typeof FIELD_TYPE_NAMES;

/** An exact decimal: `digits / 10^scale`. */
export interface Decimal {
  readonly scale: number;
  readonly digits: number;
}

/** What a field may hold: text is one character per byte; 64-bit numbers are `bigint`. */
export type FieldScalar = boolean | number | bigint | string | null | Decimal | readonly FieldValue[] | FieldTable;

/** A value with the type it had on the wire, so that encoding it again gives the same bytes. */
export interface FieldValue {
  readonly tag: FieldTag;
  readonly value: FieldScalar;
}

/** A field table in the order of the wire. Keys may repeat; the first counts. */
export type FieldTable = ReadonlyArray<readonly [key: string, field: FieldValue]>;

/** Thrown when bytes are no field table. */
export class MalformedTableError extends Error {
  constructor(reason: string) {
    super(`malformed field table: ${reason}`);
    this.name = 'MalformedTableError';
  }
}

/** What lies deeper is checked and passed on as bytes, but stands empty here: a sender must not choose how deep we recurse. */
const DEEPEST_NESTING = 100;

/** Reads the entries between `start` and `end` (the length prefix already taken off). */
export function decodeTable(bytes: Buffer, start: number, end: number): FieldTable {
  const cursor = new Cursor(bytes, start, end);
  return cursor.table(end, 0);
}

/** The field stored under `key`, or `undefined`. */
export function lookup(table: FieldTable, key: string): FieldValue | undefined {
  for (const [name, field] of table) if (name === key) return field;
  return undefined;
}

/** Where each top-level entry lies, without decoding the values. */
export interface RawEntry {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/** Finds the top-level entries between `start` and `end`, so that most can be copied byte by byte. */
export function scanEntries(bytes: Buffer, start: number, end: number): RawEntry[] {
  const cursor = new Cursor(bytes, start, end);
  const entries: RawEntry[] = [];
  while (cursor.offset < end) {
    const entryStart = cursor.offset;
    const key = cursor.shortText();
    cursor.skipField(0);
    entries.push({ key, start: entryStart, end: cursor.offset });
  }
  return entries;
}

class Cursor {
  offset: number;
  readonly #bytes: Buffer;
  readonly #limit: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.offset = start;
    this.#limit = end;
    if (end > bytes.length || start > end) throw new MalformedTableError('it ends beyond its frame');
  }

  table(end: number, depth: number): FieldTable {
    const entries: [string, FieldValue][] = [];
    while (this.offset < end) entries.push([this.shortText(), this.#field(depth)]);
    if (this.offset !== end) throw new MalformedTableError('an entry runs past the end');
    return entries;
  }

  shortText(): string {
    const length = this.#bytes[this.#take(1)] ?? 0;
    return this.#text(length);
  }

  skipField(depth: number): void {
    const tag = this.#bytes[this.#take(1)] ?? 0;
    switch (tag) {
      case 0x53: // S
      case 0x78: // x
      case 0x41: // A
      case 0x46: // F
        this.#take(this.#bytes.readUInt32BE(this.#take(4)));
        return;
      default:
        this.offset -= 1;
        this.#field(depth);
    }
  }

  #field(depth: number): FieldValue {
    const tag = String.fromCharCode(this.#bytes[this.#take(1)] ?? 0);
    const bytes = this.#bytes;
    switch (tag) {
      case 't':
        return { tag, value: bytes[this.#take(1)] !== 0 };
      case 'b':
        return { tag, value: bytes.readInt8(this.#take(1)) };
      case 'B':
        return { tag, value: bytes.readUInt8(this.#take(1)) };
      case 's':
        return { tag, value: bytes.readInt16BE(this.#take(2)) };
      case 'u':
        return { tag, value: bytes.readUInt16BE(this.#take(2)) };
      case 'I':
        return { tag, value: bytes.readInt32BE(this.#take(4)) };
      case 'i':
        return { tag, value: bytes.readUInt32BE(this.#take(4)) };
      case 'l':
      case 'L':
        return { tag, value: bytes.readBigInt64BE(this.#take(8)) };
      case 'T':
        return { tag, value: bytes.readBigUInt64BE(this.#take(8)) };
      case 'f':
        return { tag, value: bytes.readFloatBE(this.#take(4)) };
      case 'd':
        return { tag, value: bytes.readDoubleBE(this.#take(8)) };
      case 'D': {
        const scale = bytes.readUInt8(this.#take(1));
        return { tag, value: { scale, digits: bytes.readUInt32BE(this.#take(4)) } };
      }
      case 'S':
      case 'x':
        return { tag, value: this.#text(bytes.readUInt32BE(this.#take(4))) };
      case 'V':
        return { tag, value: null };
      case 'F':
        if (depth >= DEEPEST_NESTING) return this.#empty(tag);
        return { tag, value: this.table(this.#nestedEnd(), depth + 1) };
      case 'A': {
        if (depth >= DEEPEST_NESTING) return this.#empty(tag);
        const end = this.#nestedEnd();
        const items: FieldValue[] = [];
        while (this.offset < end) items.push(this.#field(depth + 1));
        if (this.offset !== end) throw new MalformedTableError('an array item runs past the end');
        return { tag, value: items };
      }
      default:
        throw new MalformedTableError(`unknown field type ${JSON.stringify(tag)}`);
    }
  }

  /** Checks what is nested too deep to be kept, with a list of what is open in place of a recursion. */
  #empty(tag: 'F' | 'A'): FieldValue {
    const open = [{ end: this.#nestedEnd(), isTable: tag === 'F' }];
    for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
      if (this.offset > inner.end) throw new MalformedTableError('a nested value runs past the end');
      if (this.offset === inner.end) {
        open.pop();
        continue;
      }
      if (inner.isTable) this.shortText();
      const type = this.#bytes[this.offset];
      if (type === 0x46 || type === 0x41) {
        this.offset++;
        open.push({ end: this.#nestedEnd(), isTable: type === 0x46 });
      } else {
        this.#field(0);
      }
    }
    return { tag, value: [] };
  }

  #nestedEnd(): number {
    const length = this.#bytes.readUInt32BE(this.#take(4));
    if (this.offset + length > this.#limit) throw new MalformedTableError('a nested value runs past the end');
    return this.offset + length;
  }

  #text(length: number): string {
    const start = this.#take(length);
    return this.#bytes.toString('latin1', start, start + length);
  }

  #take(length: number): number {
    const start = this.offset;
    if (start + length > this.#limit) throw new MalformedTableError('a value runs past the end');
    this.offset = start + length;
    return start;
  }
}

/** Encodes a table with its 4-byte length prefix. */
export function encodeTable(table: FieldTable): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  for (const [key, field] of table) {
    const entry = encodeEntry(key, field);
    parts.push(entry);
    length += entry.length;
  }
  return Buffer.concat([uint32(length), ...parts]);
}

/** Encodes one entry, key and value, as it stands inside a table. */
export function encodeEntry(key: string, field: FieldValue): Buffer {
  const name = Buffer.from(key, 'latin1');
  return Buffer.concat([Buffer.from([name.length]), name, encodeField(field)]);
}

function encodeField({ tag, value }: FieldValue): Buffer {
  const type = Buffer.from(tag, 'latin1');
  switch (tag) {
    case 'F':
      return Buffer.concat([type, encodeTable(value as FieldTable)]);
    case 'A': {
      const items = (value as readonly FieldValue[]).map(encodeField);
      return Buffer.concat([type, uint32(items.reduce((sum, item) => sum + item.length, 0)), ...items]);
    }
    case 'S':
    case 'x': {
      const bytes = Buffer.from(value as string, 'latin1');
      return Buffer.concat([type, uint32(bytes.length), bytes]);
    }
    case 'V':
      return type;
    default:
      return Buffer.concat([type, encodeFixed(tag, value)]);
  }
}

function encodeFixed(tag: FieldTag, value: FieldScalar): Buffer {
  const out = Buffer.alloc(8);
  switch (tag) {
    case 't':
      return out.subarray(0, out.writeUInt8(value === true ? 1 : 0));
    case 'b':
      return out.subarray(0, out.writeInt8(value as number));
    case 'B':
      return out.subarray(0, out.writeUInt8(value as number));
    case 's':
      return out.subarray(0, out.writeInt16BE(value as number));
    case 'u':
      return out.subarray(0, out.writeUInt16BE(value as number));
    case 'I':
      return out.subarray(0, out.writeInt32BE(value as number));
    case 'i':
      return out.subarray(0, out.writeUInt32BE(value as number));
    case 'f':
      return out.subarray(0, out.writeFloatBE(value as number));
    case 'd':
      return out.subarray(0, out.writeDoubleBE(value as number));
    case 'T':
      return out.subarray(0, out.writeBigUInt64BE(BigInt(value as bigint | number)));
    case 'D': {
      const { scale, digits } = value as Decimal;
      out.writeUInt8(scale, 0);
      return out.subarray(0, out.writeUInt32BE(digits, 1));
    }
    default:
      return out.subarray(0, out.writeBigInt64BE(BigInt(value as bigint | number)));
  }
}

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

/** A long string field from binary text. */
export function longstr(value: string): FieldValue {
  return { tag: 'S', value };
}

/** A 64-bit integer field. */
export function long(value: number): FieldValue {
  return { tag: 'l', value: BigInt(value) };
}
