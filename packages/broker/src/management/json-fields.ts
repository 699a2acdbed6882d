import { toBinaryText } from '../wire/binary-text.js';
import type { FieldTable, FieldValue } from '../wire/field-table.js';
import type { DecodedProperties } from '../wire/properties.js';
import { badRequest } from './http-reply.js';

/** JSON values as a field table, typed as the management plug-in does: whole numbers are 64 bits wide. */
export function tableFromJson(values: unknown): FieldTable {
  if (values === undefined || values === null) return [];
  // An empty list is what an empty object becomes on its way through some clients.
  if (Array.isArray(values) && values.length === 0) return [];
  if (typeof values !== 'object' || Array.isArray(values)) throw badRequest('not_a_json_object');
  return Object.entries(values).map(([key, value]) => [toBinaryText(key), fieldFromJson(value)]);
}

function fieldFromJson(value: unknown): FieldValue {
  if (typeof value === 'string') return { tag: 'S', value: toBinaryText(value) };
  if (typeof value === 'boolean') return { tag: 't', value };
  if (typeof value === 'number') {
    return Number.isInteger(value) ? { tag: 'l', value: BigInt(value) } : { tag: 'd', value };
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
    out[name] = toBinaryText(value);
  }
  for (const name of ['delivery_mode', 'priority', 'timestamp'] as const) {
    const value = given[name];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || (value as number) < 0) throw badRequest(`properties.${name}: expected a number`);
    out[name] = value as number;
  }
  if (given['headers'] !== undefined) out.headers = tableFromJson(given['headers']);
  return out;
}
