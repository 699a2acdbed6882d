import type { Decimal, FieldScalar, FieldTable, FieldTag, FieldValue } from './field-table.js';

/** Encodes a table with its 4-byte length prefix. */
export function encodeTable(table: FieldTable): Buffer {
  const parts: Buffer[] = [];
  encodeInto(parts, { table, list: undefined });
  return Buffer.concat(parts);
}

/** Encodes one entry, key and value, as it stands inside a table. */
export function encodeEntry(key: string, field: FieldValue): Buffer {
  return encodeTable([[key, field]]).subarray(4);
}

/** Encodes one value, its type first. */
export function encodeField(field: FieldValue): Buffer {
  return encodeTable([['', field]]).subarray(5);
}

interface Nested {
  readonly table: FieldTable | undefined;
  readonly list: readonly FieldValue[] | undefined;
}

/** A table or array that is being written: its length is known when its last entry is. */
interface OpenValue extends Nested {
  readonly length: Buffer;
  size: number;
  next: number;
  readonly outer: OpenValue | undefined;
}

/** Nothing here calls itself: what a client nested as deep as a frame allows has to be written again. */
function encodeInto(parts: Buffer[], root: Nested): void {
  let open = begin(parts, root, undefined);
  for (;;) {
    const entry = open.table?.[open.next];
    const field = open.table === undefined ? open.list?.[open.next] : entry?.[1];
    open.next++;
    if (field === undefined) {
      open.length.writeUInt32BE(open.size);
      if (open.outer === undefined) return;
      open.outer.size += open.size + 4;
      open = open.outer;
      continue;
    }
    if (entry !== undefined) add(parts, open, encodeKey(entry[0]));
    add(parts, open, Buffer.from(field.tag, 'latin1'));
    const { tag, value } = field;
    if (tag === 'F') open = begin(parts, { table: value as FieldTable, list: undefined }, open);
    else if (tag === 'A') open = begin(parts, { table: undefined, list: value as readonly FieldValue[] }, open);
    else add(parts, open, encodeScalar(tag, value));
  }
}

function begin(parts: Buffer[], nested: Nested, outer: OpenValue | undefined): OpenValue {
  const length = Buffer.allocUnsafe(4);
  parts.push(length);
  return { table: nested.table, list: nested.list, length, size: 0, next: 0, outer };
}

function add(parts: Buffer[], open: OpenValue, bytes: Buffer): void {
  parts.push(bytes);
  open.size += bytes.length;
}

function encodeKey(key: string): Buffer {
  const out = Buffer.allocUnsafe(key.length + 1);
  out.writeUInt8(key.length);
  out.write(key, 1, 'latin1');
  return out;
}

function encodeScalar(tag: FieldTag, value: FieldScalar): Buffer {
  if (tag === 'S' || tag === 'x') {
    const bytes = Buffer.from(value as string, 'latin1');
    return Buffer.concat([uint32(bytes.length), bytes]);
  }
  const out = Buffer.allocUnsafe(8);
  const write = NUMBERS[tag];
  if (write !== undefined) return out.subarray(0, out[write](value as number));
  switch (tag) {
    case 'V':
      return out.subarray(0, 0);
    case 't':
      return out.subarray(0, out.writeUInt8(value === true ? 1 : 0));
    case 'L':
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
  const out = Buffer.allocUnsafe(4);
  out.writeUInt32BE(value);
  return out;
}

/** How numbers of up to 53 bits are written, by the type of their field. */
const NUMBERS: Readonly<
  Record<string, `write${'Int8' | 'UInt8' | `${'Int' | 'UInt'}${16 | 32}BE` | 'FloatBE' | 'DoubleBE'}` | undefined>
> = {
  b: 'writeInt8',
  B: 'writeUInt8',
  s: 'writeInt16BE',
  u: 'writeUInt16BE',
  I: 'writeInt32BE',
  i: 'writeUInt32BE',
  f: 'writeFloatBE',
  d: 'writeDoubleBE',
};
