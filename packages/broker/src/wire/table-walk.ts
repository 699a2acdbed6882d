import { MalformedTableError } from './field-table.js';

/** What a look at the bytes of a table shows. */
export interface TableLook {
  /** Whether the top-level entries stand in the order of their keys, without repetition. */
  readonly sorted: boolean;
  /** Whether RabbitMQ would write it with these very bytes. */
  readonly canonical: boolean;
}

const LOOKS: readonly TableLook[] = [
  { sorted: false, canonical: false },
  { sorted: true, canonical: false },
  { sorted: false, canonical: true },
  { sorted: true, canonical: true },
];

const BOOLEAN = 0x74;
const LONG = 0x6c;
const UNSIGNED_LONG = 0x4c;
const FLOAT = 0x66;
const DOUBLE = 0x64;
const ARRAY = 0x41;
const TABLE = 0x46;

/** Bytes of a value by its type; -1 for a length of 4 bytes in front, -2 for none such. */
const SIZES = new Int8Array(256).fill(-2);
for (const [tags, size] of [
  ['V', 0],
  ['tbB', 1],
  ['su', 2],
  ['Iif', 4],
  ['D', 5],
  ['lLdT', 8],
  ['SxAF', -1],
] as const) {
  for (const tag of tags) SIZES[tag.charCodeAt(0)] = size;
}

/**
 * Checks every value between `start` and `end`, at any depth, without making anything of them: this runs for every message
 * published.
 *
 * @throws {MalformedTableError} when the bytes are no table
 */
export function lookAtTable(bytes: Buffer, start: number, end: number): TableLook {
  return walk(bytes, start, end, false);
}

/**
 * Changes the table between `start` and `end` to what RabbitMQ makes of it when it writes a message anew: an unsigned
 * 64-bit number becomes a signed one of the same bits, any true becomes 1.
 */
export function makeCanonical(bytes: Buffer, start: number, end: number): void {
  walk(bytes, start, end, true);
}

// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one pass over the bytes, without a call for each value
function walk(bytes: Buffer, start: number, end: number, rewrite: boolean): TableLook {
  if (end > bytes.length || start > end) throw new MalformedTableError('it ends beyond its frame');
  /** Ends of the tables and arrays around, and whether each is a table. */
  const outer: number[] = [];
  let limit = end;
  let inTable = true;
  let offset = start;
  let sorted = true;
  let canonical = true;
  let previousKey = -1;
  for (;;) {
    while (offset === limit) {
      if (outer.length === 0) return LOOKS[(sorted ? 1 : 0) + (canonical ? 2 : 0)] as TableLook;
      inTable = outer.pop() === 1;
      limit = outer.pop() as number;
    }
    if (inTable) {
      if (outer.length === 0) {
        if (previousKey >= 0 && !isBefore(bytes, previousKey, offset)) sorted = false;
        previousKey = offset;
      }
      offset += 1 + (bytes[offset] as number);
    }
    if (offset >= limit) throw new MalformedTableError('a value runs past the end');
    const tagAt = offset++;
    const tag = bytes[tagAt] as number;
    let size = SIZES[tag] as number;
    if (size === -2) throw new MalformedTableError(`unknown field type ${JSON.stringify(String.fromCharCode(tag))}`);
    if (size === -1) {
      if (offset + 4 > limit) throw new MalformedTableError('a value runs past the end');
      size = bytes.readUInt32BE(offset);
      offset += 4;
    }
    if (offset + size > limit) throw new MalformedTableError('a value runs past the end');
    if (tag === ARRAY || tag === TABLE) {
      outer.push(limit, inTable ? 1 : 0);
      limit = offset + size;
      inTable = tag === TABLE;
      continue;
    }
    if (tag === DOUBLE || tag === FLOAT) checkFinite(bytes, offset, tag);
    else if (tag === UNSIGNED_LONG) {
      canonical = false;
      if (rewrite) bytes[tagAt] = LONG;
    } else if (tag === BOOLEAN && (bytes[offset] as number) > 1) {
      canonical = false;
      if (rewrite) bytes[offset] = 1;
    }
    offset += size;
  }
}

/** The exponent of NaN and the infinities is all ones. */
function checkFinite(bytes: Buffer, offset: number, tag: number): void {
  const high = bytes.readUInt16BE(offset);
  const holds = tag === DOUBLE ? (high & 0x7ff0) !== 0x7ff0 : (high & 0x7f80) !== 0x7f80;
  if (!holds) throw new MalformedTableError('a float is no number');
}

/** Compares two short texts, their lengths in front. One that runs past the end is found out when its value is read. */
function isBefore(bytes: Buffer, a: number, b: number): boolean {
  const aLength = bytes[a] as number;
  const bLength = bytes[b] as number;
  const common = Math.min(aLength, bLength);
  for (let i = 1; i <= common; i++) {
    const difference = (bytes[a + i] as number) - (bytes[b + i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return aLength < bLength;
}
