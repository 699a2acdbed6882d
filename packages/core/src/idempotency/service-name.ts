import { createHash } from 'node:crypto';
import { ConfigurationError, describeValue } from '../errors/configuration-error.js';
import { boundedKey, MAX_KEY_BYTES } from './claim-key.js';

/** What a service may be called: a name that stands in keys, tables and log lines as it is. */
const NAME = /^[A-Za-z0-9@][A-Za-z0-9@._/-]{0,63}$/;

/**
 * Checks the name of a service: it becomes part of every key that outlives the process, so that two services on one
 * database or one Redis do not take each other's messages for their own.
 * @param from who was to be given the name, for the text of the error
 * @throws {ConfigurationError} when it is missing, or is no name of 1 to 64 letters, digits and `@ . _ / -`
 */
export function serviceName(value: unknown, from: string): string {
  if (isServiceName(value)) return value;
  throw new ConfigurationError([serviceNameFault(value, from)]);
}

export function isServiceName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

export function serviceNameFault(value: unknown, from: string): string {
  return `${from} needs the name of the service, such as { service: 'billing' }: 1 to 64 letters, digits and @ . _ / -. It is part of every key that is kept, so that services that share a server do not take each other's messages for their own; got ${describeValue(value)}`;
}

/**
 * The key of one service: `billing::Orders.onPaid`. Differs for each pair, and fits wherever {@link boundedKey} does. No
 * key from before services had names looks like it, as far as listeners have no `::` in their ids.
 */
export function serviceKey(service: string, key: string): string {
  const bounded = boundedKey(key);
  const text = `${service}::${bounded}`;
  if (Buffer.byteLength(text) <= MAX_KEY_BYTES) return text;
  // Neither a key that fits nor the digest of another looks like this.
  return `${service}::sha256:+${createHash('sha256').update(bounded).digest('hex')}`;
}
