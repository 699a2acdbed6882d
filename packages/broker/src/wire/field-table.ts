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

/**
 * Thrown when bytes are no field table. RabbitMQ takes NaN and the infinities for no numbers, too: Erlang has none.
 */
export class MalformedTableError extends Error {
  constructor(reason: string) {
    super(`malformed field table: ${reason}`);
    this.name = 'MalformedTableError';
  }
}

/** The field stored under `key`, or `undefined`. */
export function lookup(table: FieldTable, key: string): FieldValue | undefined {
  for (const [name, field] of table) if (name === key) return field;
  return undefined;
}

/** A value for a reply text; what a list or table holds is left out. */
export function printedValue({ tag, value }: FieldValue): string {
  if (tag === 'A' || tag === 'F') return value === null || (value as readonly unknown[]).length === 0 ? '[]' : '[...]';
  if (tag === 'D') return `${(value as Decimal).digits}e-${(value as Decimal).scale}`;
  return String(value);
}

type Entry = [key: string, field: FieldValue];

/** A table or array that is being read, and what it stands in. */
interface OpenValue {
  readonly end: number;
  /** Entries of a table; `undefined` in an array. */
  readonly entries: Entry[] | undefined;
  readonly items: FieldValue[];
  readonly outer: OpenValue | undefined;
}

/**
 * Reads the entries between `start` and `end` (the length prefix already taken off). Tables may be nested as deep as a
 * frame has room for: nothing here calls itself.
 *
 * @throws {MalformedTableError} when the bytes are no table
 */
export function decodeTable(bytes: Buffer, start: number, end: number): FieldTable {
  const entries: Entry[] = [];
  const cursor = new Cursor(bytes, start, end);
  let open: OpenValue = { end, entries, items: [], outer: undefined };
  for (;;) {
    while (cursor.offset === open.end) {
      if (open.outer === undefined) return entries;
      open = open.outer;
      cursor.limit = open.end;
    }
    const key = open.entries === undefined ? '' : cursor.shortText();
    const tag = cursor.tag();
    const { entries: table, items } = open;
    let value: FieldScalar;
    if (tag === 'F' || tag === 'A') {
      open = { end: cursor.nestedEnd(), entries: tag === 'F' ? [] : undefined, items: [], outer: open };
      cursor.limit = open.end;
      value = open.entries ?? open.items;
    } else {
      value = cursor.scalar(tag);
    }
    if (table === undefined) items.push({ tag, value });
    else table.push([key, { tag, value }]);
  }
}

/** Where one top-level entry lies. */
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
    cursor.skipValue();
    entries.push({ key, start: entryStart, end: cursor.offset });
  }
  return entries;
}

/** The first field stored under `key` between `start` and `end`; the others are not decoded. */
export function readField(bytes: Buffer, start: number, end: number, key: string): FieldValue | undefined {
  const cursor = new Cursor(bytes, start, end);
  while (cursor.offset < end) {
    const entryStart = cursor.offset;
    const found = cursor.shortText() === key;
    cursor.skipValue();
    if (found) return decodeTable(bytes, entryStart, cursor.offset)[0]?.[1];
  }
  return undefined;
}

/** Reads values one after the other; none may run past the limit, which is the end of the innermost table or array. */
class Cursor {
  offset: number;
  limit: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.offset = start;
    this.limit = end;
    if (end > bytes.length || start > end) throw new MalformedTableError('it ends beyond its frame');
  }

  tag(): FieldTag {
    const tag = String.fromCharCode(this.#bytes[this.#take(1)] ?? 0);
    if (Object.hasOwn(FIELD_TYPE_NAMES, tag)) return tag as FieldTag;
    throw new MalformedTableError(`unknown field type ${JSON.stringify(tag)}`);
  }

  shortText(): string {
    const length = this.#bytes[this.#take(1)] ?? 0;
    return this.#text(length);
  }

  /** Where the table or array that follows ends. */
  nestedEnd(): number {
    const length = this.#length();
    if (this.offset + length > this.limit) throw new MalformedTableError('a nested value runs past the end');
    return this.offset + length;
  }

  skipValue(): void {
    const tag = this.tag();
    if (tag === 'S' || tag === 'x' || tag === 'A' || tag === 'F') this.#take(this.#length());
    else this.scalar(tag);
  }

  scalar(tag: Exclude<FieldTag, 'A' | 'F'>): FieldScalar {
    const bytes = this.#bytes;
    switch (tag) {
      case 't':
        return bytes[this.#take(1)] !== 0;
      case 'b':
        return bytes.readInt8(this.#take(1));
      case 'B':
        return bytes.readUInt8(this.#take(1));
      case 's':
        return bytes.readInt16BE(this.#take(2));
      case 'u':
        return bytes.readUInt16BE(this.#take(2));
      case 'I':
        return bytes.readInt32BE(this.#take(4));
      case 'i':
        return bytes.readUInt32BE(this.#take(4));
      case 'l':
        return bytes.readBigInt64BE(this.#take(8));
      case 'L':
      case 'T':
        return bytes.readBigUInt64BE(this.#take(8));
      case 'f':
        return finite(bytes.readFloatBE(this.#take(4)));
      case 'd':
        return finite(bytes.readDoubleBE(this.#take(8)));
      case 'D': {
        const scale = bytes.readUInt8(this.#take(1));
        return { scale, digits: bytes.readUInt32BE(this.#take(4)) };
      }
      case 'S':
      case 'x':
        return this.#text(this.#length());
      case 'V':
        return null;
    }
  }

  #length(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  #text(length: number): string {
    const start = this.#take(length);
    return this.#bytes.toString('latin1', start, start + length);
  }

  #take(length: number): number {
    const start = this.offset;
    if (start + length > this.limit) throw new MalformedTableError('a value runs past the end');
    this.offset = start + length;
    return start;
  }
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new MalformedTableError(`${value} is no number`);
  return value;
}

/** A long string field from binary text. */
export function longstr(value: string): FieldValue {
  return { tag: 'S', value };
}

/** A 64-bit integer field. */
export function long(value: number): FieldValue {
  return { tag: 'l', value: BigInt(value) };
}
