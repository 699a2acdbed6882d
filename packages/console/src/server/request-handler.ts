import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { type Clock, type Logger, logSafely, within } from '@leveret/core';
import type { SessionJson } from '../contract/contract.js';
import { type ApiAnswer, type ApiRoute, findRoute } from '../http/api-route.js';
import { badRequest, ConsoleFault, faultOf } from '../http/console-fault.js';
import type { EventStreams } from '../http/event-streams.js';
import { Fields } from '../http/fields.js';
import { type Place, placeOf } from '../http/mount.js';
import type { PageFiles } from '../http/page-files.js';
import { readJson } from '../http/read-json.js';
import type { Live } from '../live/live.js';
import { API_HEADERS, RESPONSE_HEADERS } from '../security/response-headers.js';
import type { AuditLog } from '../work/audit-log.js';
import type { Gate, KnownUser } from './gate.js';

/** What requests are answered with. */
export interface RequestHandlerParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gate: Gate;
  readonly files: PageFiles;
  readonly routes: readonly ApiRoute[];
  readonly streams: EventStreams;
  readonly live: Live;
  readonly audit: AuditLog;
  readonly sessionInfo: (user: KnownUser) => Promise<SessionJson>;
}

/** The longest that a request is worked on. */
const ANSWER_MS = 120_000;
const NOT_BUILT =
  'The console was built without its page: npm run build makes it. Its functions are there, below api/.\n';

/** Answers the requests of the console. */
export class RequestHandler {
  readonly #parts: RequestHandlerParts;

  constructor(parts: RequestHandlerParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    prefix: string,
    next?: (error?: unknown) => void,
  ): Promise<void> {
    const place = placeOf(request, prefix);
    if (place === undefined) {
      if (next !== undefined) next();
      else this.#refuse(request, response, badRequest('There is nothing at this address.', 404));
      return;
    }
    try {
      if (place.path.startsWith('api/')) await this.#api(request, response, place);
      else this.#page(request, response, place);
    } catch (error) {
      this.#refuse(request, response, error);
    }
  }

  #page(request: IncomingMessage, response: ServerResponse, { path, redirect }: Place): void {
    this.#parts.gate.check(request, 'page', undefined);
    if (request.method !== 'GET' && request.method !== 'HEAD') throw badRequest('Files are only read.', 405);
    if (redirect !== undefined) {
      response.writeHead(308, { ...RESPONSE_HEADERS, location: redirect }).end();
      return;
    }
    const { files } = this.#parts;
    if (files.serve(path, request, response)) return;
    const isUnbuilt = path === '' && files.isEmpty;
    response.writeHead(isUnbuilt ? 503 : 404, { ...RESPONSE_HEADERS, 'content-type': 'text/plain; charset=utf-8' });
    response.end(isUnbuilt ? NOT_BUILT : 'There is nothing at this address.\n');
  }

  async #api(request: IncomingMessage, response: ServerResponse, place: Place): Promise<void> {
    if (place.path === 'api/session') return this.#session(request, response, place);
    const { gate, routes, clock, audit } = this.#parts;
    const isEvents = place.path === 'api/events';
    const found = findRoute(routes, request.method, place.path);
    const route = typeof found === 'object' ? found.route : undefined;
    const user = await gate.who(request);
    const from = request.socket.remoteAddress;
    try {
      // Whoever is not let in does not learn which addresses there are.
      gate.check(request, route?.needs ?? 'read', user);
    } catch (error) {
      const what = route?.act ?? (request.method === 'GET' ? undefined : place.path.slice(0, 100));
      if (what !== undefined)
        await audit.note({ ...named(user), from, what, ids: [], detail: textOf(error), ok: false });
      throw error;
    }
    if (user === undefined) throw new Error('nobody was let in');
    if (isEvents) return this.#events(request, response);
    if (found === 'other-method') throw badRequest(`${request.method} is not for this address.`, 405);
    if (found === undefined) throw badRequest('There is nothing at this address.', 404);
    const { params } = found;
    const work = found.route.run({
      user: { role: user.role, who: user.who },
      from,
      params,
      query: place.query,
      body: () => readJson(request, clock),
    });
    const answer = await within(clock, ANSWER_MS, work, () => {
      throw badRequest(`This takes longer than ${ANSWER_MS} ms; it goes on. Look what became of it.`, 504);
    });
    this.#answer(response, answer);
  }

  async #session(request: IncomingMessage, response: ServerResponse, { mount }: Place): Promise<void> {
    const { gate, audit, sessionInfo } = this.#parts;
    const { method } = request;
    if (method === 'POST' && gate.hasLogin) {
      await this.#login(request, response, mount);
      return;
    }
    const user = await gate.who(request);
    gate.check(request, 'read', user);
    if (user === undefined) throw new Error('nobody was let in');
    if (method === 'GET') return this.#answer(response, { json: await sessionInfo(user) });
    if (method !== 'DELETE' || !gate.hasLogin) throw badRequest(`${method} is not for this address.`, 405);
    await audit.note({ ...named(user), from: request.socket.remoteAddress, what: 'session.logout', ids: [], ok: true });
    response.writeHead(204, { ...API_HEADERS, 'set-cookie': gate.logout(request, mount) }).end();
  }

  async #login(request: IncomingMessage, response: ServerResponse, mount: string): Promise<void> {
    const { gate, audit, clock, sessionInfo } = this.#parts;
    const act = { from: request.socket.remoteAddress, what: 'session.login', ids: [] };
    let name: string | undefined;
    try {
      gate.check(request, 'anybody', undefined);
      const fields = new Fields(await readJson(request, clock), ['token', 'name']);
      name = fields.optionalText('name', 64);
      const { user, cookie } = gate.login(request, fields.text('token'), name, mount);
      await audit.note({ ...named(user), ...act, ok: true });
      this.#answer(response, { json: await sessionInfo(user) }, { 'set-cookie': cookie });
    } catch (error) {
      await audit.note({ who: name ?? 'nobody', ...act, detail: textOf(error), ok: false });
      throw error;
    }
  }

  async #events(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { streams, live, gate } = this.#parts;
    if (request.method !== 'GET') throw badRequest(`${request.method} is not for this address.`, 405);
    const first = await live.first();
    if (!response.destroyed) streams.open(request, response, first, gate.visitor(request));
  }

  #answer(response: ServerResponse, answer: ApiAnswer, headers: Readonly<Record<string, string>> = {}): void {
    if (response.destroyed) return;
    if ('lines' in answer) {
      response.writeHead(200, {
        ...API_HEADERS,
        'content-type': 'application/x-ndjson; charset=utf-8',
        'content-disposition': `attachment; filename="${answer.file}"`,
      });
      // A page that goes away in the middle is no fault.
      pipeline(Readable.from(withBreaks(answer.lines)), response, () => {});
      return;
    }
    const body = JSON.stringify(answer.json ?? null);
    response.writeHead(answer.status ?? 200, {
      ...API_HEADERS,
      ...headers,
      'content-type': 'application/json; charset=utf-8',
    });
    response.end(body);
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const { status, fault, isOurs } = faultOf(error);
    if (!isOurs) logSafely(this.#parts.logger, 'error', { err: error }, `console: ${request.method} failed`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const again =
      error instanceof ConsoleFault && error.retryAfter !== undefined
        ? { 'retry-after': String(error.retryAfter) }
        : {};
    // What was not read of a body is not waited for.
    const end = request.complete ? {} : { connection: 'close' };
    response.writeHead(status, { ...API_HEADERS, ...again, ...end, 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(fault));
  }
}

function* withBreaks(lines: Iterable<string>): Iterable<string> {
  for (const line of lines) yield `${line}\n`;
}

function named(user: KnownUser | undefined): { readonly who: string; readonly role?: KnownUser['role'] } {
  return user === undefined ? { who: 'nobody' } : { who: user.who, role: user.role };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
