import { isIP } from 'node:net';

/**
 * Whether a request was meant for this console. A page whose name was made to resolve to this machine (DNS rebinding) sends its own
 * name; what a person types is an address, `localhost`, or a name that is known here.
 * @param header the Host header
 * @param names further names that the console answers to
 */
export function isOwnHost(header: string | undefined, names: readonly string[]): boolean {
  const host = hostNameOf(header);
  if (host === undefined) return false;
  return isIP(host) !== 0 || host === 'localhost' || names.some((name) => name.toLowerCase() === host);
}

/** The name of `name:port`, in small letters, an IPv6 address without brackets; `undefined` where there is none. */
export function hostNameOf(header: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.\-_]+))(?::\d{1,5})?$/i.exec(header?.trim() ?? '');
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, '');
}
