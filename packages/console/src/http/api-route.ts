import type { Role } from '../contract/contract.js';
import type { ConsoleUser } from '../security/sessions.js';

/** A request to the API that may go on. */
export interface ApiRequest {
  readonly user: ConsoleUser;
  /** Address that it came from, for the audit log. */
  readonly from: string | undefined;
  /** The parts of the path that the route names. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** @throws {ConsoleFault} 400, 408, 413 */
  body(): Promise<Readonly<Record<string, unknown>>>;
}

/** What is answered: JSON, or lines of it as a file to keep. */
export type ApiAnswer =
  | { readonly status?: number; readonly json: unknown }
  | { readonly file: string; readonly lines: Iterable<string> };

/** One address of the API. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Such as `api/jobs/:id`. */
  readonly path: string;
  readonly needs: Role;
  /** How the audit log calls it; `undefined` for what only looks. */
  readonly act?: string;
  readonly run: (request: ApiRequest) => Promise<ApiAnswer>;
}

/** Looks up the route of a path. `'other-method'`: there is one, but not for this method. */
export function findRoute(
  routes: readonly ApiRoute[],
  method: string | undefined,
  path: string,
): { readonly route: ApiRoute; readonly params: Readonly<Record<string, string>> } | 'other-method' | undefined {
  let isKnown = false;
  for (const route of routes) {
    const params = paramsOf(route.path, path);
    if (params === undefined) continue;
    if (route.method === method) return { route, params };
    isKnown = true;
  }
  return isKnown ? 'other-method' : undefined;
}

function paramsOf(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const params: [string, string][] = [];
  for (const [index, part] of wanted.entries()) {
    const value = decoded(given[index] as string);
    if (value === undefined) return undefined;
    if (part.startsWith(':')) params.push([part.slice(1), value]);
    else if (part !== value) return undefined;
  }
  return Object.fromEntries(params);
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
