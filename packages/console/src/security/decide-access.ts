import type { Role } from '../contract/contract.js';
import { isOwnHost } from './own-host.js';
import { isOwnOrigin, type OriginFacts } from './own-origin.js';

/** What is known of a request before anything is done for it. */
export interface AccessFacts extends OriginFacts {
  readonly method: string;
  /** Who may do it. `page`: everybody, for there is nothing in it; `anybody`: a login. */
  readonly needs: 'page' | 'anybody' | Role;
  readonly contentType: string | undefined;
  /** `undefined`: nobody is logged in. */
  readonly role: Role | undefined;
  /** Whether the CSRF token came with it. */
  readonly hasCsrf: boolean;
}

export type AccessDecision =
  | { readonly kind: 'allowed' }
  | {
      readonly kind: 'refused';
      readonly status: 401 | 403 | 415;
      readonly code: 'LEV_CONSOLE_FORBIDDEN' | 'LEV_CONSOLE_NOT_LOGGED_IN' | 'LEV_CONSOLE_REQUEST';
      readonly message: string;
    };

const ALLOWED: AccessDecision = { kind: 'allowed' };

/** Decides whether a request may go on. What is not allowed here is refused: before its body is read. */
export function decideAccess(facts: AccessFacts, names: readonly string[]): AccessDecision {
  const { method, needs, role, hasCsrf, contentType } = facts;
  if (!isOwnHost(facts.host, names)) {
    return forbidden(
      `This console does not answer to the host ${JSON.stringify(facts.host ?? '')}. Name it in allowedHosts if it is its own.`,
    );
  }
  // Others may link to the page, which says nothing by itself.
  if (needs === 'page') return ALLOWED;
  if (!isOwnOrigin(facts, names)) return forbidden('The request comes from a page of somebody else.');
  const isUnsafe = method !== 'GET' && method !== 'HEAD';
  if (needs !== 'anybody') {
    if (role === undefined) return refused(401, 'LEV_CONSOLE_NOT_LOGGED_IN', 'Nobody is logged in, or no longer.');
    if (isUnsafe && !hasCsrf) return forbidden('The request lacks the header x-leveret-csrf of this session.');
    if (needs === 'operate' && role !== 'operate') {
      return forbidden('The role read may look, not act: log in with the token of the role operate.');
    }
  }
  if (isUnsafe && method !== 'DELETE' && !isJson(contentType)) {
    return refused(415, 'LEV_CONSOLE_REQUEST', 'The body must be application/json.');
  }
  return ALLOWED;
}

function isJson(contentType: string | undefined): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === 'application/json';
}

function forbidden(message: string): AccessDecision {
  return refused(403, 'LEV_CONSOLE_FORBIDDEN', message);
}

function refused(
  status: 401 | 403 | 415,
  code: 'LEV_CONSOLE_FORBIDDEN' | 'LEV_CONSOLE_NOT_LOGGED_IN' | 'LEV_CONSOLE_REQUEST',
  message: string,
): AccessDecision {
  return { kind: 'refused', status, code, message };
}
