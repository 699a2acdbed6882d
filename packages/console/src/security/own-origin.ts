import { hostNameOf } from './own-host.js';

/** What a browser says about where a request comes from. */
export interface OriginFacts {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site` */
  readonly fetchSite: string | undefined;
}

/**
 * Whether a request comes from a page of this console, or from no page at all: programs send neither header.
 * @param names names of the console that a proxy may have put another in the place of
 */
export function isOwnOrigin({ host, origin, fetchSite }: OriginFacts, names: readonly string[]): boolean {
  // `none`: a person typed the address.
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none') return false;
  if (origin === undefined) return true;
  const match = /^https?:\/\/([^/]+)$/i.exec(origin);
  if (match === null) return false;
  const [, from = ''] = match;
  if (from.toLowerCase() === host?.trim().toLowerCase()) return true;
  const name = hostNameOf(from);
  return name !== undefined && names.some((each) => each.toLowerCase() === name);
}
