import { channelError } from '../errors/amqp-error.js';
import type { FieldScalar, FieldTable, FieldValue } from '../wire/field-table.js';
import { FIELD_TYPE_NAMES, lookup } from '../wire/field-table.js';

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
  throw channelError(406, `Invalid x-match field type ${type} (value ${mode.value}); expected longstr`);
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
  return scalarsEqual(a.value, b.value, floatsEqualIntegers);
}

function scalarsEqual(a: FieldScalar, b: FieldScalar, floatsEqualIntegers: boolean): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => itemsEqual(item, b[i], floatsEqualIntegers));
  }
  if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null && 'digits' in a && 'digits' in b) {
    return a.digits === b.digits && a.scale === b.scale;
  }
  return a === b;
}

function itemsEqual(a: unknown, b: unknown, floatsEqualIntegers: boolean): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a[0] === b[0] && nestedEqual(a[1] as FieldValue, b[1] as FieldValue, floatsEqualIntegers);
  }
  if (Array.isArray(a) || Array.isArray(b) || b === undefined) return false;
  return nestedEqual(a as FieldValue, b as FieldValue, floatsEqualIntegers);
}

/** Inside lists and tables the type counts too. */
function nestedEqual(a: FieldValue, b: FieldValue, floatsEqualIntegers: boolean): boolean {
  return FIELD_TYPE_NAMES[a.tag] === FIELD_TYPE_NAMES[b.tag] && fieldsEqual(a, b, floatsEqualIntegers);
}

function numberKind({ tag }: FieldValue): 'float' | 'timestamp' | 'integer' {
  if (tag === 'T') return 'timestamp';
  return tag === 'd' || tag === 'f' ? 'float' : 'integer';
}

function asNumber(field: FieldValue): number | bigint | undefined {
  return typeof field.value === 'number' || typeof field.value === 'bigint' ? field.value : undefined;
}
