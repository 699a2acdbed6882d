/** Where a cookie holds. */
export interface CookiePlace {
  /** Where the console is mounted, such as `/leveret/`. */
  readonly path: string;
  /** Only over TLS. */
  readonly secure: boolean;
  /** Two consoles of one host have cookies of their own: browsers do not tell ports apart. */
  readonly port: number | undefined;
}

export function cookieName(port: number | undefined): string {
  return `leveret-console-${port ?? 0}`;
}

/** `Set-Cookie` of a session; with no id, the one that takes it away. */
export function sessionCookie(id: string | undefined, lifeMs: number, { path, secure, port }: CookiePlace): string {
  const age = id === undefined ? 0 : Math.floor(lifeMs / 1000);
  const flags = `Path=${path}; Max-Age=${age}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
  return `${cookieName(port)}=${id ?? ''}; ${flags}`;
}

/** The value of a cookie; `undefined` where it is missing, or there are several. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const values = (header ?? '').split(';').flatMap((part) => {
    const at = part.indexOf('=');
    return at > 0 && part.slice(0, at).trim() === name ? [part.slice(at + 1).trim()] : [];
  });
  const [value] = values;
  return values.length === 1 && value !== undefined && /^[\w-]{20,100}$/.test(value) ? value : undefined;
}
