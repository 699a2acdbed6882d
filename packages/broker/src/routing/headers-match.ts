import { channelError } from '../errors/amqp-error.js';
import { encodeTable } from '../wire/encode-table.js';
import { FIELD_TYPE_NAMES, type FieldTable, type FieldValue, lookup, printedValue } from '../wire/field-table.js';
import { makeCanonical } from '../wire/table-walk.js';

const MODES = ['all', 'any', 'all-with-x', 'any-with-x'] as const;

/** How a binding of a headers exchange compares. */
type MatchMode = (typeof MODES)[number];

/**
 * Checks `x-match` of a binding to a headers exchange.
 *
 * @throws {AmqpError} 406 when it is none of all, any, all-with-x, any-with-x
 */
export function checkMatchMode(bindingArguments: FieldTable): void {
  const mode = lookup(bindingArguments, 'x-match');
  if (mode === undefined || (mode.tag === 'S' && MODES.includes(mode.value as MatchMode))) return;
  if (mode.tag === 'S') {
    const text = `Invalid x-match field value <<"${mode.value}">>; expected all, any, all-with-x, or any-with-x`;
    throw channelError(406, text);
  }
  const type = FIELD_TYPE_NAMES[mode.tag];
  throw channelError(406, `Invalid x-match field type ${type} (value ${printedValue(mode)}); expected longstr`);
}

/**
 * Whether a message's headers satisfy a binding. A void value asks for presence only; integers compare whatever their
 * width.
 *
 * @see https://www.rabbitmq.com/docs/exchanges#headers
 */
export function headersMatch(bindingArguments: FieldTable, headers: FieldTable, floatsEqualIntegers: boolean): boolean {
  const mode = (lookup(bindingArguments, 'x-match')?.value ?? 'all') as MatchMode;
  const withX = mode.endsWith('-with-x');
  const any = mode.startsWith('any');
  for (const [key, wanted] of bindingArguments) {
    if (key === 'x-match' || (!withX && key.startsWith('x-'))) continue;
    const given = lookup(headers, key);
    const matches = given !== undefined && (wanted.tag === 'V' || fieldsEqual(wanted, given, floatsEqualIntegers));
    if (matches === any) return any;
  }
  return !any;
}

/** Compares two fields by value, as RabbitMQ does: the width of an integer does not matter. */
export function fieldsEqual(a: FieldValue, b: FieldValue, floatsEqualIntegers: boolean): boolean {
  const aNumber = asNumber(a);
  const bNumber = asNumber(b);
  if (aNumber !== undefined && bNumber !== undefined) {
    if (!floatsEqualIntegers && numberKind(a) !== numberKind(b)) return false;
    // Loose on purpose: 5n == 5 compares by value.
    // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number of the same value are equal here
    return aNumber == bNumber;
  }
  if (aNumber !== undefined || bNumber !== undefined) return false;
  if (typeof a.value !== 'object' || typeof b.value !== 'object') return a.value === b.value;
  // Inside lists and tables the type counts too, so that equal is what has the same bytes.
  return comparable(a).equals(comparable(b));
}

/** The bytes of a list, table or decimal, as RabbitMQ would write them. */
function comparable({ tag, value }: FieldValue): Buffer {
  const bytes = encodeTable([['', { tag, value }]]);
  makeCanonical(bytes, 4, bytes.length);
  return bytes;
}

function numberKind({ tag }: FieldValue): 'float' | 'timestamp' | 'integer' {
  if (tag === 'T') return 'timestamp';
  return tag === 'd' || tag === 'f' ? 'float' : 'integer';
}

function asNumber(field: FieldValue): number | bigint | undefined {
  return typeof field.value === 'number' || typeof field.value === 'bigint' ? field.value : undefined;
}
