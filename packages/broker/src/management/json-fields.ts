import { toBinaryText } from '../wire/binary-text.js';
import type { FieldTable, FieldValue } from '../wire/field-table.js';
import type { DecodedProperties } from '../wire/properties.js';
import { badRequest } from './http-reply.js';

const LONGEST_SHORT_TEXT = 255;
const LONGEST_INTEGER = 2 ** 63;

/** JSON values as a field table, typed as the management plug-in does: whole numbers are 64 bits wide. */
export function tableFromJson(values: unknown): FieldTable {
  if (values === undefined || values === null) return [];
  // An empty list is what an empty object becomes on its way through some clients.
  if (Array.isArray(values) && values.length === 0) return [];
  if (typeof values !== 'object' || Array.isArray(values)) throw badRequest('not_a_json_object');
  return Object.entries(values).map(([key, value]) => [toShortText('a key', key), fieldFromJson(value)]);
}

/**
 * Text that a short string has room for, one character per byte.
 *
 * @throws {HttpError} 400 above 255 bytes
 */
export function toShortText(what: string, text: string): string {
  const binary = toBinaryText(text);
  if (binary.length <= LONGEST_SHORT_TEXT) return binary;
  throw badRequest(`${what}: expected at most ${LONGEST_SHORT_TEXT} bytes, received ${binary.length}`);
}

/** A whole number from 0 to `highest`. */
function numberFromJson(what: string, value: unknown, highest: number): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= highest) return value as number;
  throw badRequest(`${what}: expected a whole number from 0 to ${highest}`);
}

function fieldFromJson(value: unknown): FieldValue {
  if (typeof value === 'string') return { tag: 'S', value: toBinaryText(value) };
  if (typeof value === 'boolean') return { tag: 't', value };
  if (typeof value === 'number') {
    if (!Number.isInteger(value) && Number.isFinite(value)) return { tag: 'd', value };
    if (Math.abs(value) < LONGEST_INTEGER) return { tag: 'l', value: BigInt(value) };
    throw badRequest(`expected a number of at most 64 bits, received ${value}`);
  }
  if (value === null || value === undefined) return { tag: 'V', value: null };
  if (Array.isArray(value)) return { tag: 'A', value: value.map(fieldFromJson) };
  return { tag: 'F', value: tableFromJson(value) };
}

const TEXT = [
  'content_type',
  'content_encoding',
  'correlation_id',
  'reply_to',
  'expiration',
  'message_id',
  'type',
  'user_id',
  'app_id',
  'cluster_id',
] as const;

const NUMBERS = [
  ['delivery_mode', 255],
  ['priority', 255],
  ['timestamp', Number.MAX_SAFE_INTEGER],
] as const;

/** Message properties from JSON. */
export function propertiesFromJson(values: unknown): DecodedProperties {
  if (values === undefined || values === null || Array.isArray(values)) return {};
  if (typeof values !== 'object') throw badRequest('properties: expected an object');
  const given = values as Record<string, unknown>;
  const out: DecodedProperties = {};
  for (const name of TEXT) {
    const value = given[name];
    if (value === undefined) continue;
    if (typeof value !== 'string') throw badRequest(`properties.${name}: expected text`);
    out[name] = toShortText(`properties.${name}`, value);
  }
  for (const [name, highest] of NUMBERS) {
    const value = given[name];
    if (value !== undefined) out[name] = numberFromJson(`properties.${name}`, value, highest);
  }
  if (given['headers'] !== undefined) out.headers = tableFromJson(given['headers']);
  return out;
}
