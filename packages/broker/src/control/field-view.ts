import { fromBinaryText } from '../wire/binary-text.js';
import type { Decimal, FieldTable, FieldValue } from '../wire/field-table.js';

/** A field as JavaScript value: text is UTF-8, numbers are numbers, tables are objects, decimals are numbers. */
export type FieldView = string | number | boolean | null | FieldView[] | { [key: string]: FieldView };

/** What can be looked at, and written as JSON, must end somewhere; on the wire nothing is left out. */
const DEEPEST = 100;
const TOO_DEEP = `nested deeper than ${DEEPEST} levels`;

/** A table as a plain object. Values nested deeper than 100 levels are named, not shown. */
export function viewTable(table: FieldTable, depth = 1): { [key: string]: FieldView } {
  const out: { [key: string]: FieldView } = Object.create(null);
  for (const [key, field] of table) out[fromBinaryText(key)] ??= viewField(field, depth);
  return { ...out };
}

function viewField({ tag, value }: FieldValue, depth: number): FieldView {
  if ((tag === 'F' || tag === 'A') && depth >= DEEPEST) return TOO_DEEP;
  if (tag === 'F') return viewTable(value as FieldTable, depth + 1);
  if (tag === 'A') return (value as readonly FieldValue[]).map((item) => viewField(item, depth + 1));
  if (tag === 'D') {
    const { scale, digits } = value as Decimal;
    return digits / 10 ** scale;
  }
  if (typeof value === 'string') return fromBinaryText(value);
  return typeof value === 'bigint' ? Number(value) : (value as number | boolean | null);
}
