import { CSRF_HEADER, type FaultJson, type LoginRequest, type SessionJson } from '../../src/contract/contract.js';
import { session } from './stores.js';

/** What the server, or the way to it, answered instead of what was asked for. */
export class ApiFault extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'ApiFault';
    this.status = status;
    this.code = code;
  }
}

const LIMIT_MS = 60_000;

/** Asks the server. A session that has ended leads to the login. */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', signal: AbortSignal.timeout(LIMIT_MS), ...init });
  } catch (error) {
    const why =
      error instanceof Error && error.name === 'TimeoutError' ? 'did not answer within a minute' : 'cannot be reached';
    throw new ApiFault(
      0,
      'unreachable',
      `The console's server ${why}. Is its process running? It is asked again when you reload.`,
    );
  }
  if (response.status === 401 && path !== 'api/session') session.set('none');
  if (!response.ok) throw await faultOf(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** Acts: with the proof that it is this page that asks. */
export function act<T>(path: string, body: unknown = {}, method = 'POST'): Promise<T> {
  const known = session.value;
  const csrf: Record<string, string> = typeof known === 'object' ? { [CSRF_HEADER]: known.csrf } : {};
  const headers = { 'content-type': 'application/json', ...csrf };
  return ask<T>(path, { method, headers, ...(method === 'POST' ? { body: JSON.stringify(body) } : {}) });
}

/**
 * Begins a session, if there is none yet.
 * @param name who it is, for the audit log
 */
export async function resumeSession(token: string | undefined, name = ''): Promise<void> {
  try {
    session.set(
      token === undefined
        ? await ask<SessionJson>('api/session')
        : await act<SessionJson>('api/session', loginOf(token, name)),
    );
  } catch (error) {
    session.set('none');
    if (token !== undefined || !(error instanceof ApiFault) || error.status !== 401) throw error;
  }
}

function loginOf(token: string, name: string): LoginRequest {
  return name === '' ? { token } : { token, name };
}

async function faultOf(response: Response): Promise<ApiFault> {
  const { error } = (await response.json().catch(() => ({}))) as Partial<FaultJson>;
  return new ApiFault(response.status, error?.code ?? `HTTP ${response.status}`, error?.message ?? response.statusText);
}

/** `?queue=a&queue=b` */
export function queryOf(values: Readonly<Record<string, string | number | readonly string[] | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const each of Array.isArray(value) ? value : [value])
      if (each !== undefined && each !== '') query.append(name, String(each));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
