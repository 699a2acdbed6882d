import type { SqlDialectName } from './sql-dialect.js';

// Ids, tokens and keys stand in the text of a statement: as parameters they would make a new prepared statement for each
// count of them.

/** Whole numbers, as in a list of ids. */
export function idList(ids: readonly number[]): string {
  return ids.map(whole).join(', ');
}

export function whole(value: number): string {
  const rounded = Math.ceil(value);
  if (Number.isSafeInteger(rounded) && rounded >= 0) return String(rounded);
  throw new RangeError(`expected a whole number from 0, received ${value}`);
}

export function uuid(token: string): string {
  if (/^[0-9a-f-]{36}$/.test(token)) return token;
  throw new RangeError(`expected a UUID, received ${token}`);
}

/** A text of UTF-8, given as hexadecimal digits: no text can end it. */
const HEX_TEXT: Readonly<Record<SqlDialectName, (digits: string) => string>> = {
  postgres: (digits) => `convert_from(decode('${digits}', 'hex'), 'UTF8')`,
  mysql: (digits) => `X'${digits}'`,
  sqlite: (digits) => `CAST(X'${digits}' AS TEXT)`,
};

/** What needs no digits, on any server and in any mode of it: it is read and planned faster. */
const PLAIN = /^[\w .:/-]*$/;

export function textLiteral(dialect: SqlDialectName, value: string): string {
  if (dialect === 'postgres' && PLAIN.test(value)) return `'${value}'::text`;
  return HEX_TEXT[dialect](Buffer.from(value).toString('hex'));
}
