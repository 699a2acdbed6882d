import { fromBinaryText } from '../wire/binary-text.js';
import type { Decimal, FieldTable, FieldValue } from '../wire/field-table.js';

/** A field as JavaScript value: text is UTF-8, numbers are numbers, tables are objects, decimals are numbers. */
export type FieldView = string | number | boolean | null | FieldView[] | { [key: string]: FieldView };

/** A table as a plain object. */
export function viewTable(table: FieldTable): { [key: string]: FieldView } {
  const out: { [key: string]: FieldView } = {};
  for (const [key, field] of table) out[fromBinaryText(key)] ??= viewField(field);
  return out;
}

function viewField({ tag, value }: FieldValue): FieldView {
  if (tag === 'F') return viewTable(value as FieldTable);
  if (tag === 'A') return (value as readonly FieldValue[]).map(viewField);
  if (tag === 'D') {
    const { scale, digits } = value as Decimal;
    return digits / 10 ** scale;
  }
  if (typeof value === 'string') return fromBinaryText(value);
  return typeof value === 'bigint' ? Number(value) : (value as number | boolean | null);
}
