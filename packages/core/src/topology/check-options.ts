import { isRecord } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import { errorText } from '../errors/error-text.js';
import { wireTable } from '../message/wire-table.js';

/** Names of exchanges, queues and routing keys are short strings on the wire: at most this many bytes of UTF-8. */
export const MAX_NAME_BYTES = 255;

/** A plain record of options, read key by key while it is checked. */
export type RawOptions = Readonly<Record<string, unknown>>;

/** The value as a record, or `undefined` (and a fault) when it is not an object. */
export function checkObject(value: unknown, what: string, problems: Problems): RawOptions | undefined {
  if (isRecord(value)) return value;
  problems.add(`${what} must be an object with options; got ${describeValue(value)}`);
  return undefined;
}

/** The value when it is one of those allowed; `undefined` when it is left out or (with a fault) is something else. */
export function checkOptionalOneOf<T>(
  value: unknown,
  name: string,
  allowed: readonly T[],
  problems: Problems,
): T | undefined {
  if (value === undefined) return undefined;
  if (allowed.includes(value as T)) return value as T;
  problems.add(`${name} must be one of ${allowed.map(describeValue).join(', ')}; got ${describeValue(value)}`);
  return undefined;
}

/** Whether a value is text that fits in a short string of the wire; notes the fault when it is not. */
export function checkShortString(value: unknown, name: string, problems: Problems): value is string {
  if (typeof value !== 'string') {
    problems.add(`${name} must be a string; got ${describeValue(value)}`);
    return false;
  }
  const bytes = Buffer.byteLength(value);
  if (bytes <= MAX_NAME_BYTES) return true;
  problems.add(
    `${name} must have at most ${MAX_NAME_BYTES} bytes in UTF-8; got ${bytes} bytes: ${describeValue(value)}`,
  );
  return false;
}

/** Like {@link checkShortString}, and not empty. */
export function checkName(value: unknown, name: string, problems: Problems): value is string {
  if (!checkShortString(value, name, problems)) return false;
  if (value !== '') return true;
  problems.add(`${name} must not be empty`);
  return false;
}

/** The `arguments` of a declaration; those left `undefined` are not there, as on the wire. */
export function checkArguments(raw: RawOptions, problems: Problems): Record<string, unknown> {
  const given = raw['arguments'] === undefined ? {} : (checkObject(raw['arguments'], 'arguments', problems) ?? {});
  return checkTable(given, 'arguments', problems);
}

/** A table as it goes on the wire; what is left `undefined` is not there. Notes what is no value of a table. */
export function checkTable(given: RawOptions, name: string, problems: Problems): Record<string, unknown> {
  try {
    return Object.fromEntries(Object.entries(wireTable(given, name)).filter(([, value]) => value !== undefined));
  } catch (error) {
    problems.add(errorText(error));
    return {};
  }
}

/** Names that start with `amq.` belong to the broker: it refuses to declare them (403). */
export function isReservedName(name: string): boolean {
  return name.startsWith('amq.');
}

/** One or many as a list; nothing as an empty one. */
export function asList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
