import { encodeEntry } from './encode-table.js';
import { decodeTable, type FieldTable, type FieldValue, readField, scanEntries } from './field-table.js';
import {
  APP_ID,
  CLUSTER_ID,
  CONTENT_ENCODING,
  CONTENT_TYPE,
  CORRELATION_ID,
  DELIVERY_MODE,
  EXPIRATION,
  HEADERS,
  MESSAGE_ID,
  PRIORITY,
  PropertyScan,
  REPLY_TO,
  STRAY_FLAGS,
  TIMESTAMP,
  TYPE,
  USER_ID,
} from './property-scan.js';
import { makeCanonical } from './table-walk.js';

const shared = new PropertyScan();

/** The headers in the raw properties, or `undefined` when there are none. */
export function readHeaders(bytes: Buffer, start: number, end: number): FieldTable | undefined {
  const scan = shared.scan(bytes, start, end);
  return scan.hasHeaders ? decodeTable(bytes, scan.headersStart, scan.headersEnd) : undefined;
}

/** One header of the raw properties. */
export function readHeader(bytes: Buffer, start: number, end: number, key: string): FieldValue | undefined {
  const scan = shared.scan(bytes, start, end);
  return scan.hasHeaders ? readField(bytes, scan.headersStart, scan.headersEnd, key) : undefined;
}

/** The expiration property as text, or `undefined`. */
export function readExpiration(bytes: Buffer, start: number, end: number): string | undefined {
  const scan = shared.scan(bytes, start, end);
  return scan.hasExpiration ? bytes.toString('latin1', scan.expirationStart, scan.expirationEnd) : undefined;
}

/** What to change in raw properties; everything not named keeps its bytes. */
export interface PropertyEdits {
  /** Headers to add or replace. */
  readonly set?: FieldTable;
  /** Headers to take out. */
  readonly remove?: readonly string[];
  /** Sorts the top-level headers by key; `unique` keeps only the first of each. */
  readonly sort?: 'all' | 'unique' | undefined;
  /** Replaces the expiration that is there; `null` takes it out. */
  readonly expiration?: string | null;
  /** Replaces the reply-to that is there. */
  readonly replyTo?: string;
}

/**
 * Rewrites raw properties. Unchanged headers and properties are copied byte by byte, so their types stay, but for what
 * RabbitMQ writes in one way only.
 */
export function editProperties(bytes: Buffer, start: number, end: number, edits: PropertyEdits): Buffer {
  const scan = shared.scan(bytes, start, end);
  const changes = new Map((edits.set ?? []).map(([key, field]) => [key, encodeEntry(key, field)]));
  const parts: [key: string, entry: Buffer][] = [];
  const entries = scan.hasHeaders ? scanEntries(bytes, scan.headersStart, scan.headersEnd) : [];
  for (const entry of entries) {
    if (edits.remove?.includes(entry.key)) continue;
    const changed = changes.get(entry.key);
    changes.delete(entry.key);
    parts.push([entry.key, changed ?? bytes.subarray(entry.start, entry.end)]);
  }
  parts.push(...changes);
  const headers = edits.sort === undefined ? parts : sortedByKey(parts, edits.sort);
  const hadHeaders = scan.hasHeaders;
  const hasHeaders = headers.length > 0 || hadHeaders;
  const headerBytes = headers.reduce((sum, [, entry]) => sum + entry.length, 0);
  const expiration = scan.hasExpiration ? edits.expiration : undefined;
  let flags = (hasHeaders ? scan.flags | HEADERS : scan.flags & ~HEADERS) & ~STRAY_FLAGS;
  if (expiration === null) flags &= ~EXPIRATION;
  const prefix = Buffer.alloc(hasHeaders ? 4 : 0);
  if (hasHeaders) prefix.writeUInt32BE(headerBytes);
  const flagBytes = Buffer.from([flags >> 8, flags & 0xff]);
  const headersAt = hadHeaders ? scan.headersStart - 4 : headersOffset(bytes, start, scan.flags);
  const afterHeaders = hadHeaders ? scan.headersEnd : headersAt;
  const tail: Buffer[] = [];
  let copied = afterHeaders;
  if (edits.replyTo !== undefined && scan.hasReplyTo) {
    tail.push(bytes.subarray(copied, scan.replyToStart - 1), shortText(edits.replyTo));
    copied = scan.replyToEnd;
  }
  if (expiration !== undefined) {
    tail.push(bytes.subarray(copied, scan.expirationStart - 1));
    if (expiration !== null) tail.push(shortText(expiration));
    copied = scan.expirationEnd;
  }
  tail.push(bytes.subarray(copied, end));
  const headerParts = headers.map(([, entry]) => entry);
  const out = Buffer.concat([flagBytes, bytes.subarray(start + 2, headersAt), prefix, ...headerParts, ...tail]);
  const headersStart = headersAt - start + prefix.length;
  makeCanonical(out, headersStart, headersStart + headerBytes);
  return out;
}

function headersOffset(bytes: Buffer, start: number, flags: number): number {
  let offset = start + 2;
  if (flags & CONTENT_TYPE) offset += 1 + (bytes[offset] ?? 0);
  if (flags & CONTENT_ENCODING) offset += 1 + (bytes[offset] ?? 0);
  return offset;
}

function sortedByKey(parts: readonly [string, Buffer][], sort: 'all' | 'unique'): [string, Buffer][] {
  const sorted = [...parts].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  if (sort === 'all') return sorted;
  return sorted.filter(([key], index) => index === 0 || sorted[index - 1]?.[0] !== key);
}

const TEXT_PROPERTIES = [
  [CONTENT_TYPE, 'content_type'],
  [CONTENT_ENCODING, 'content_encoding'],
  [HEADERS, 'headers'],
  [DELIVERY_MODE, 'delivery_mode'],
  [PRIORITY, 'priority'],
  [CORRELATION_ID, 'correlation_id'],
  [REPLY_TO, 'reply_to'],
  [EXPIRATION, 'expiration'],
  [MESSAGE_ID, 'message_id'],
  [TIMESTAMP, 'timestamp'],
  [TYPE, 'type'],
  [USER_ID, 'user_id'],
  [APP_ID, 'app_id'],
  [CLUSTER_ID, 'cluster_id'],
] as const;

/** The name of a basic property. */
export type PropertyName = (typeof TEXT_PROPERTIES)[number][1];

/** Message properties by name; text is one character per byte. */
export type DecodedProperties = Partial<Record<PropertyName, string | number | bigint | FieldTable>>;

/** Decodes every property, for inspection and the management API. */
export function decodeProperties(bytes: Buffer, start: number, end: number): DecodedProperties {
  shared.scan(bytes, start, end);
  const flags = shared.flags;
  const out: DecodedProperties = {};
  let offset = start + 2;
  for (const [bit, name] of TEXT_PROPERTIES) {
    if ((flags & bit) === 0) continue;
    if (bit === HEADERS) {
      const length = bytes.readUInt32BE(offset);
      out[name] = decodeTable(bytes, offset + 4, offset + 4 + length);
      offset += 4 + length;
    } else if (bit === DELIVERY_MODE || bit === PRIORITY) {
      out[name] = bytes[offset++] ?? 0;
    } else if (bit === TIMESTAMP) {
      out[name] = bytes.readBigUInt64BE(offset);
      offset += 8;
    } else {
      const length = bytes[offset] ?? 0;
      out[name] = bytes.toString('latin1', offset + 1, offset + 1 + length);
      offset += 1 + length;
    }
  }
  return out;
}

/** Encodes properties as a content header carries them, flags first. */
export function encodeProperties(properties: DecodedProperties): Buffer {
  let flags = 0;
  const parts: Buffer[] = [];
  for (const [bit, name] of TEXT_PROPERTIES) {
    const value = properties[name];
    if (value === undefined) continue;
    flags |= bit;
    parts.push(encodeProperty(bit, value));
  }
  return Buffer.concat([Buffer.from([flags >> 8, flags & 0xff]), ...parts]);
}

function encodeProperty(bit: number, value: string | number | bigint | FieldTable): Buffer {
  if (bit === HEADERS) {
    const entries = (value as FieldTable).map(([key, field]) => encodeEntry(key, field));
    const body = Buffer.concat(entries);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    return Buffer.concat([length, body]);
  }
  if (bit === DELIVERY_MODE || bit === PRIORITY) return Buffer.from([Number(value)]);
  if (bit === TIMESTAMP) {
    const out = Buffer.alloc(8);
    out.writeBigUInt64BE(BigInt(value as bigint));
    return out;
  }
  return shortText(String(value));
}

function shortText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}
