import { timingSafeEqual } from 'node:crypto';
import { decodeTable, lookup, MalformedTableError } from '../wire/field-table.js';

/** What a user may do in one virtual host: three patterns, looked for anywhere in the name. */
export interface Permissions {
  readonly configure: RegExp;
  readonly write: RegExp;
  readonly read: RegExp;
}

/** A user the broker knows. */
export interface User {
  readonly name: string;
  readonly password: string;
  readonly tags: readonly string[];
  /** By virtual host; a host that is missing cannot be opened. */
  readonly permissions: ReadonlyMap<string, Permissions>;
}

/** What a client said it is. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** The user an anonymous client becomes (from 4.0 on). */
const ANONYMOUS: Credentials = { name: 'guest', password: 'guest' };

/**
 * Reads the answer to a SASL mechanism; `undefined` when it cannot be read.
 *
 * @see https://www.rabbitmq.com/docs/access-control#mechanisms
 */
export function readCredentials(mechanism: string, response: string): Credentials | undefined {
  if (mechanism === 'PLAIN') {
    const parts = response.split('\0');
    const [, name, password] = parts;
    if (parts.length !== 3 || name === undefined || password === undefined) return undefined;
    return { name, password };
  }
  if (mechanism === 'AMQPLAIN') {
    const bytes = Buffer.from(response, 'latin1');
    try {
      const table = decodeTable(bytes, 0, bytes.length);
      const name = lookup(table, 'LOGIN')?.value;
      const password = lookup(table, 'PASSWORD')?.value;
      return typeof name === 'string' && typeof password === 'string' ? { name, password } : undefined;
    } catch (error) {
      if (error instanceof MalformedTableError || error instanceof RangeError) return undefined;
      throw error;
    }
  }
  return mechanism === 'ANONYMOUS' ? ANONYMOUS : undefined;
}

/** The user with this name and password, or `undefined`. Nobody logs in without a password, as in RabbitMQ. */
export function authenticate(users: ReadonlyMap<string, User>, credentials: Credentials): User | undefined {
  if (credentials.password === '') return undefined;
  const user = users.get(credentials.name);
  return user !== undefined && sameText(user.password, credentials.password) ? user : undefined;
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a, 'latin1');
  const right = Buffer.from(b, 'latin1');
  return left.length === right.length && timingSafeEqual(left, right);
}
