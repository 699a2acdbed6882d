import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { authenticate, type User } from '../connection/authentication.js';
import { AmqpError } from '../errors/amqp-error.js';
import { InvalidPolicyError } from '../vhost/policy.js';
import { toBinaryText } from '../wire/binary-text.js';
import { badRequest, HttpError, type HttpReply, notFound } from './http-reply.js';
import type { ManagementTarget } from './management-target.js';
import { findRoute } from './routes.js';

const LARGEST_BODY_BYTES = 20 * 1024 * 1024;

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
    const headers: Record<string, string> = {};
    if (reply.body !== undefined) headers['content-type'] = 'application/json';
    if (reply.status === 401) headers['www-authenticate'] = 'Basic realm="RabbitMQ Management"';
    response.writeHead(reply.status, headers);
    response.end(body);
  }

  async #answer(request: IncomingMessage): Promise<HttpReply> {
    const user = this.#login(request.headers.authorization);
    const url = new URL(request.url ?? '/', 'http://broker');
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

function decodeSegment(segment: string): string {
  try {
    return toBinaryText(decodeURIComponent(segment));
  } catch {
    throw badRequest('the path is not valid percent-encoding');
  }
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LARGEST_BODY_BYTES) throw new HttpError(413, 'payload_too_large', 'the body is too large');
  }
  if (length === 0) return {};
  const parsed = parseJson(Buffer.concat(chunks).toString('utf8'));
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw badRequest('not_json');
  return parsed as Record<string, unknown>;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('not_json');
  }
}
