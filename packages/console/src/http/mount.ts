import type { IncomingMessage } from 'node:http';

/** Where in the console a request leads, and where in the server the console is. */
export interface Place {
  /** Without the slash in front, and without a query: `api/jobs`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Such as `/leveret/`, as the browser sees it, as far as it is known. */
  readonly mount: string;
  /** The address of the page lacks the slash at its end, without which relative addresses lead elsewhere: where to go instead. */
  readonly redirect: string | undefined;
}

/** Reads the address of a request. `prefix`: what stands before the console's own path; `undefined` is answered for others. */
export function placeOf(
  { url = '/', originalUrl }: Pick<IncomingMessage, 'url'> & { readonly originalUrl?: unknown },
  prefix: string,
): Place | undefined {
  const [whole = '/', search = ''] = split(url);
  const base = prefix.replace(/\/+$/, '');
  if (whole !== base && !whole.startsWith(`${base}/`)) return undefined;
  const path = whole.slice(base.length + 1);
  // Express takes what it has matched off the url, and keeps the whole.
  const [seen = whole] = typeof originalUrl === 'string' ? split(originalUrl) : [whole];
  const mount = seen.endsWith(path) ? seen.slice(0, seen.length - path.length) : `${base}/`;
  const needsSlash = path === '' && !seen.endsWith('/');
  const redirect = needsSlash ? `${seen.slice(seen.lastIndexOf('/') + 1)}/` : undefined;
  return { path, query: new URLSearchParams(search), mount: cookiePath(needsSlash ? `${seen}/` : mount), redirect };
}

function split(url: string): readonly [string, string] {
  const at = url.indexOf('?');
  return at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}

/** The path of a cookie ends at a semicolon, and a stranger has written this one. */
function cookiePath(path: string): string {
  return /^\/[\w\-.~%@/+:,=]*$/.test(path) ? path : '/';
}
