import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ACTIONS, type Action, type WebShop } from './web-shop.js';

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['page.html', 'text/html'],
  '/page.css': ['page.css', 'text/css'],
  '/page.js': ['page.js', 'text/javascript'],
};

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** How often the page is told what has changed. */
const TELL_MS = 100;

/**
 * The page on which queues fill and drain: on loopback only, for pages of its own only. `/state` is a stream of server-sent events,
 * each with the whole state; `POST /do/<action>` does something.
 */
export class WebPage implements AsyncDisposable {
  readonly #shop: WebShop;
  readonly #server: Server;
  readonly #watching = new Set<ServerResponse>();
  #told = '';
  #timer: NodeJS.Timeout | undefined;

  private constructor(shop: WebShop) {
    this.#shop = shop;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(`${String(error)}\n`);
      });
    });
  }

  /** @param port 0 takes a free one */
  static async start(shop: WebShop, port = 0): Promise<WebPage> {
    const page = new WebPage(shop);
    await new Promise<void>((resolve, reject) => {
      page.#server.once('error', reject);
      page.#server.listen(port, '127.0.0.1', () => resolve());
    });
    page.#timer = setInterval(() => page.#tell(), TELL_MS);
    return page;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const response of this.#watching) response.end();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    if (!this.#isOwn(request)) return void response.writeHead(403).end('This page serves its own machine only.\n');
    if (method === 'GET' && url === '/state') return this.#watch(response);
    const file = method === 'GET' ? FILES[url] : undefined;
    if (file !== undefined) {
      const [name, type] = file;
      const text = readFileSync(new URL(`../web/${name}`, import.meta.url));
      return void response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(text);
    }
    const action = /^\/do\/(\w+)$/.exec(url)?.[1];
    if (method !== 'POST' || action === undefined || !Object.hasOwn(ACTIONS, action)) {
      return void response.writeHead(404).end('There is no such page.\n');
    }
    await this.#shop.act(action as Action);
    response.writeHead(204).end();
  }

  /** Other pages in the same browser may send requests here; they cannot say that they come from here. */
  #isOwn({ headers }: IncomingMessage): boolean {
    const hosts = [`127.0.0.1:${this.#port}`, `localhost:${this.#port}`];
    const isHost = headers.host !== undefined && hosts.includes(headers.host);
    return isHost && (headers.origin === undefined || hosts.some((host) => headers.origin === `http://${host}`));
  }

  #watch(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify(this.#shop.state)}\n\n`);
    this.#watching.add(response);
    response.once('close', () => this.#watching.delete(response));
  }

  #tell(): void {
    if (this.#watching.size === 0) return;
    const state = JSON.stringify(this.#shop.state);
    if (state === this.#told) return;
    this.#told = state;
    // A page that reads too slowly gets the next state instead.
    for (const response of this.#watching) if (!response.writableNeedDrain) response.write(`data: ${state}\n\n`);
  }
}
