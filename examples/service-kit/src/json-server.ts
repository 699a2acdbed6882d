import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers requests by method and path, such as `POST /payments` or `GET /payments/:id`. The value is sent as JSON. */
export type JsonRoutes = Readonly<
  Record<string, (parameters: Readonly<Record<string, string>>, body: unknown) => unknown>
>;

/** Thrown by a route: an answer other than 200. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const MAX_BODY_BYTES = 10_000;

/** A small HTTP server that speaks JSON, on this machine only. */
export class JsonServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param port 0 takes any that is free */
  static async start(port: number, routes: JsonRoutes): Promise<JsonServer> {
    const server = createServer((request, response) => {
      void answer(request, routes).then(({ status, value }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return new JsonServer(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function answer(request: IncomingMessage, routes: JsonRoutes): Promise<{ status: number; value: unknown }> {
  try {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    for (const [route, handle] of Object.entries(routes)) {
      const parameters = match(route, `${request.method} ${pathname}`);
      if (parameters !== undefined) return { status: 200, value: await handle(parameters, await bodyOf(request)) };
    }
    throw new HttpError(404, `there is no ${request.method} ${pathname}`);
  } catch (error) {
    if (error instanceof HttpError) return { status: error.status, value: { error: error.message } };
    console.error(error);
    return { status: 500, value: { error: 'something is wrong here' } };
  }
}

function match(route: string, asked: string): Readonly<Record<string, string>> | undefined {
  const pattern = route.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)');
  const found = new RegExp(`^${pattern}$`).exec(asked);
  return found === null ? undefined : { ...found.groups };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > MAX_BODY_BYTES) throw new HttpError(413, `a body has at most ${MAX_BODY_BYTES} characters`);
  }
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new HttpError(400, 'the body is no JSON');
  }
}
