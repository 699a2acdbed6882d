import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Clock, type Logger, logSafely, within } from '@leveret/core';
import { CSRF_HEADER, type Role } from '../contract/contract.js';
import { ConsoleFault } from '../http/console-fault.js';
import type { Visitor } from '../http/event-streams.js';
import type { ResolvedConsoleOptions } from '../options/console-options.js';
import { type AccessFacts, decideAccess } from '../security/decide-access.js';
import { LoginTries } from '../security/login-tries.js';
import { cookieName, readCookie, sessionCookie } from '../security/session-cookie.js';
import { type ConsoleUser, Sessions } from '../security/sessions.js';
import { isSame, roleOf } from '../security/tokens.js';

/** Somebody who is let in. */
export interface KnownUser extends ConsoleUser {
  readonly csrf: string;
  /** `undefined`: the application says who it is, each time anew. */
  readonly expiresAt: number | undefined;
}

const AUTHORIZE_MS = 5000;
const LONGEST_NAME = 64;

type GateOptions = Pick<
  ResolvedConsoleOptions,
  'tokens' | 'authorize' | 'allowedHosts' | 'secureCookie' | 'sessionForMs' | 'clock' | 'logger'
>;

/** Who comes in: the one place where requests are let through or refused. */
export class Gate {
  readonly #options: GateOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #sessions: Sessions;
  readonly #tries: LoginTries;
  readonly #secret = randomBytes(32);

  constructor(options: GateOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#sessions = new Sessions(options.clock, options.sessionForMs);
    this.#tries = new LoginTries(options.clock);
  }

  /** There is a login; else the application says who is who. */
  get hasLogin(): boolean {
    return this.#options.authorize === undefined;
  }

  /** Who sends it; `undefined` for nobody. */
  async who(request: IncomingMessage): Promise<KnownUser | undefined> {
    if (this.#options.authorize !== undefined) return this.#authorized(request);
    const session = this.#sessions.get(this.#cookie(request));
    return session;
  }

  /** @throws {ConsoleFault} 401, 403, 415 for what may not go on */
  check(request: IncomingMessage, needs: AccessFacts['needs'], user: KnownUser | undefined): void {
    const { headers, method = 'GET' } = request;
    const given = headers[CSRF_HEADER];
    const decision = decideAccess(
      {
        ...{ method, needs },
        host: headers.host,
        origin: headers.origin,
        fetchSite: text(headers['sec-fetch-site']),
        contentType: headers['content-type'],
        role: user?.role,
        hasCsrf: user !== undefined && typeof given === 'string' && isSame(given, user.csrf),
      },
      this.#options.allowedHosts ?? [],
    );
    if (decision.kind === 'refused') throw new ConsoleFault(decision.status, decision.code, decision.message);
  }

  /**
   * Lets somebody in who has a token.
   * @throws {ConsoleFault} 401 for a wrong one, 429 after too many
   */
  login(
    request: IncomingMessage,
    token: string,
    name: string | undefined,
    mount: string,
  ): { readonly user: KnownUser; readonly cookie: string } {
    const address = request.socket.remoteAddress ?? '';
    const waitMs = this.#tries.waitMs(address);
    if (waitMs > 0) {
      const text = `There were too many wrong tokens. Try again in ${Math.ceil(waitMs / 1000)} s.`;
      throw new ConsoleFault(429, 'LEV_CONSOLE_REQUEST', text, Math.ceil(waitMs / 1000));
    }
    const role = roleOf(token, this.#options.tokens ?? {});
    if (role === undefined) {
      this.#tries.wrong(address);
      throw new ConsoleFault(401, 'LEV_CONSOLE_NOT_LOGGED_IN', 'This is no token of the console.');
    }
    this.#tries.right(address);
    const { id, session } = this.#sessions.begin({ role, who: whoOf(name, role) });
    return { user: session, cookie: this.#cookieOf(request, id, mount) };
  }

  /** Ends a session; answers the cookie that takes its cookie away. */
  logout(request: IncomingMessage, mount: string): string {
    const id = this.#cookie(request);
    if (id !== undefined) this.#sessions.end(id);
    return this.#cookieOf(request, undefined, mount);
  }

  /** Whether whoever opened a stream of events may still see what comes. */
  visitor(request: IncomingMessage): Visitor {
    if (this.#options.authorize !== undefined) {
      return { mayStay: () => true, isStillKnown: async () => (await this.#authorized(request)) !== undefined };
    }
    const id = this.#cookie(request);
    return { mayStay: () => this.#sessions.get(id) !== undefined };
  }

  async #authorized(request: IncomingMessage): Promise<KnownUser | undefined> {
    try {
      const asked = Promise.resolve(this.#options.authorize?.(request));
      const user = await within(this.#clock, AUTHORIZE_MS, asked, () => undefined);
      if (user === undefined || user === null) return undefined;
      const { role, who } = user;
      if ((role !== 'read' && role !== 'operate') || typeof who !== 'string') {
        throw new TypeError(`authorize must answer { role: 'read' or 'operate', who }, or undefined`);
      }
      const csrf = createHmac('sha256', this.#secret)
        .update(JSON.stringify([role, who]))
        .digest('base64url');
      return { role, who: who.slice(0, LONGEST_NAME), csrf, expiresAt: undefined };
    } catch (err) {
      logSafely(this.#logger, 'error', { err }, 'console: authorize failed; nobody was let in');
      return undefined;
    }
  }

  #cookie(request: IncomingMessage): string | undefined {
    return readCookie(request.headers.cookie, cookieName(request.socket.localPort));
  }

  #cookieOf(request: IncomingMessage, id: string | undefined, path: string): string {
    const isTls = (request.socket as { readonly encrypted?: boolean }).encrypted === true;
    const secure = this.#options.secureCookie ?? isTls;
    return sessionCookie(id, this.#options.sessionForMs, { path, secure, port: request.socket.localPort });
  }
}

function whoOf(name: string | undefined, role: Role): string {
  // Of the name only what is printed on one line.
  const said = name?.replaceAll(/[^\p{L}\p{N}\p{P}\p{Zs}]/gu, '').trim();
  return said === undefined || said === '' ? `token of ${role}` : `${said} (token of ${role})`;
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}
