import { FIELD_TYPE_NAMES, type FieldTable, type FieldTag, type FieldValue } from './codec.js';

/** A value of a program: JSON, with `{ tag, value }` where a field needs a type that JSON does not tell. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** A field table from JSON: text is `S`, a whole number `I` or `l`, another number `d`, null `V`, `{ tag, value }` as it says. */
export function tableOf(values: { readonly [key: string]: Plain }): FieldTable {
  return Object.entries(values).map(([key, value]) => [toBinary(key), fieldOf(value)]);
}

function fieldOf(value: Plain): FieldValue {
  if (typeof value === 'string') return { tag: 'S', value: toBinary(value) };
  if (typeof value === 'boolean') return { tag: 't', value };
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return { tag: 'd', value };
    return Math.abs(value) < 2 ** 31 ? { tag: 'I', value } : { tag: 'l', value: BigInt(value) };
  }
  if (value === null) return { tag: 'V', value: null };
  if (isList(value)) return { tag: 'A', value: value.map(fieldOf) };
  const { tag, value: inner } = value;
  if (typeof tag === 'string' && tag in FIELD_TYPE_NAMES && inner !== undefined)
    return typedField(tag as FieldTag, inner);
  return { tag: 'F', value: tableOf(value) };
}

function typedField(tag: FieldTag, value: Plain): FieldValue {
  if (tag === 'l' || tag === 'L' || tag === 'T') return { tag, value: BigInt(Number(value)) };
  if (tag === 'D') return { tag, value: value as unknown as { scale: number; digits: number } };
  return { tag, value: value as string | number | boolean };
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

function toBinary(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
