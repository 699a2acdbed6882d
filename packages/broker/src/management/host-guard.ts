import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether a request was meant for this server. A web page whose name was made to resolve to this machine (DNS rebinding)
 * sends its own name; what a person or a program types is an address, `localhost`, or a name that is known here.
 *
 * @param header the Host header
 * @param names further names that this server answers to
 */
export function isOwnHost(header: string | undefined, names: readonly string[]): boolean {
  // HTTP/1.0 clients send none, and no browser is one.
  if (header === undefined) return true;
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]]*)(?::\d*)?$/i.exec(header.trim());
  if (match === null) return false;
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '').toLowerCase();
  const known = ['localhost', hostname(), ...names].map((name) => name.toLowerCase());
  return isIP(host) !== 0 || known.includes(host);
}
