import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { authenticate, type User } from '../connection/authentication.js';
import { AmqpError } from '../errors/amqp-error.js';
import { InvalidPolicyError } from '../vhost/policy.js';
import { toBinaryText } from '../wire/binary-text.js';
import { MalformedTableError } from '../wire/field-table.js';
import { MalformedPropertiesError } from '../wire/property-scan.js';
import { isOwnHost } from './host-guard.js';
import { badRequest, HttpError, type HttpReply, notFound } from './http-reply.js';
import { toShortText } from './json-fields.js';
import type { ManagementTarget } from './management-target.js';
import { readBody } from './request-body.js';
import { findRoute } from './routes.js';

/**
 * The management HTTP API, as far as tests and leveret use it: JSON under `/api`, basic authentication, no web pages.
 *
 * @see https://www.rabbitmq.com/docs/management#http-api
 */
export class ManagementServer {
  readonly #target: ManagementTarget;
  readonly #server: Server;
  /** Port it listens on. */
  port = 0;

  constructor(target: ManagementTarget) {
    this.#target = target;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** @throws {Error} `EADDRINUSE` when the port is taken */
  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        if (address !== null && typeof address === 'object') this.port = address.port;
        resolve();
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#answer(request).catch((error: unknown) => this.#failure(error));
    const body = reply.body === undefined ? '' : JSON.stringify(reply.body);
    if (response.destroyed) return;
    const headers: Record<string, string> = {};
    if (reply.body !== undefined) headers['content-type'] = 'application/json';
    if (reply.status === 401) headers['www-authenticate'] = 'Basic realm="RabbitMQ Management"';
    response.writeHead(reply.status, headers);
    response.end(body);
  }

  async #answer(request: IncomingMessage): Promise<HttpReply> {
    if (!isOwnHost(request.headers.host, this.#target.hostNames)) {
      const host = JSON.stringify(request.headers.host);
      throw new HttpError(
        421,
        'misdirected_request',
        `${host} is not a name of this server; allow it by managementHosts`,
      );
    }
    const user = this.#login(request.headers.authorization);
    const url = parseUrl(request.url ?? '/');
    const [, root, ...encoded] = url.pathname.split('/');
    if (encoded.at(-1) === '') encoded.pop();
    const segments = encoded.map(decodeSegment);
    const route = root === 'api' ? findRoute(request.method ?? 'GET', segments) : undefined;
    if (route === undefined) throw notFound();
    if (route === 'wrong method') throw new HttpError(405, 'method_not_allowed', 'Method Not Allowed');
    const body = await readBody(request);
    const { handler, parameters } = route;
    const reason = request.headers['x-reason'];
    return handler({
      target: this.#target,
      user,
      parameters,
      body,
      reason: typeof reason === 'string' ? reason : undefined,
      query: url.searchParams,
    });
  }

  #login(header: string | undefined): User {
    const [scheme, encoded = ''] = (header ?? '').split(' ');
    const text = toBinaryText(Buffer.from(encoded, 'base64').toString('utf8'));
    const colon = text.indexOf(':');
    const credentials = { name: text.slice(0, colon), password: text.slice(colon + 1) };
    const user = scheme === 'Basic' ? authenticate(this.#target.environment.users, credentials) : undefined;
    if (user === undefined) throw new HttpError(401, 'not_authorised', 'Login failed');
    return user;
  }

  #failure(error: unknown): HttpReply {
    if (error instanceof HttpError) return { status: error.status, body: { error: error.error, reason: error.reason } };
    if (error instanceof AmqpError || error instanceof InvalidPolicyError) {
      const status = error instanceof AmqpError && error.code === 404 ? 404 : 400;
      return { status, body: { error: 'bad_request', reason: this.#escaped(reasonOf(error)) } };
    }
    const malformed = error instanceof MalformedTableError || error instanceof MalformedPropertiesError;
    if (malformed) return { status: 400, body: { error: 'bad_request', reason: this.#escaped(error.message) } };
    return { status: 500, body: { error: 'internal_server_error', reason: String(error) } };
  }

  #escaped(reason: string): string {
    if (!this.#target.environment.profile.escapesReasons) return reason;
    return reason.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  }
}

/** Without the name of the AMQP reply in front. */
function reasonOf(error: AmqpError | InvalidPolicyError): string {
  return error instanceof AmqpError ? error.replyText.replace(/^[A-Z_]+ - /, '') : error.message;
}

/** What is no path under this server, such as `//`, is the client's mistake. */
function parseUrl(target: string): URL {
  if (!target.startsWith('/') || target.startsWith('//')) throw badRequest('expected a path that begins with one /');
  if (!URL.canParse(target, 'http://broker')) throw badRequest('the path is not valid');
  return new URL(target, 'http://broker');
}

function decodeSegment(segment: string): string {
  return toShortText('a name in the path', decoded(segment));
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest('the path is not valid percent-encoding');
  }
}
