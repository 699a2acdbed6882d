import { type IncomingMessage, request } from 'node:http';
import type { Role } from '@leveret/console';

/** What the console answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect
  readonly json: any;
}

/** What may be wrong with a request. */
export interface RequestParts {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/** Speaks with a console as its page does. */
export class PageClient {
  readonly url: string;
  cookie: string | undefined;
  csrf: string | undefined;

  constructor(url: string) {
    this.url = url;
  }

  static async login(url: string, token: string, name?: string): Promise<PageClient> {
    const client = new PageClient(url);
    const { status, headers, json, text } = await client.post('api/session', { token, name });
    if (status !== 200) throw new Error(`login answered ${status}: ${text}`);
    client.cookie = headers['set-cookie']?.[0]?.split(';')[0];
    client.csrf = (json as { csrf: string; role: Role }).csrf;
    return client;
  }

  /** @throws when the status is another than 200 or 202 */
  async ok(path: string, body?: unknown): Promise<Answer['json']> {
    const answer = body === undefined ? await this.get(path) : await this.post(path, body);
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
    return answer.json;
  }

  get(path: string, parts: RequestParts = {}): Promise<Answer> {
    return this.ask(path, parts);
  }

  post(path: string, body: unknown, parts: RequestParts = {}): Promise<Answer> {
    return this.ask(path, { method: 'POST', body, ...parts });
  }

  ask(path: string, { method = 'GET', headers = {}, body }: RequestParts): Promise<Answer> {
    const given = {
      cookie: this.cookie,
      ...(method === 'GET' ? {} : { 'x-leveret-csrf': this.csrf, 'content-type': 'application/json' }),
      ...headers,
    };
    const own = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, this.url),
        { method, headers: own as Record<string, string>, agent: false },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.once('end', () => {
            const text = Buffer.concat(parts).toString('utf8');
            const isJson = /json;/.test(response.headers['content-type'] ?? '');
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              json: isJson && text !== '' && !text.includes('\n{') ? JSON.parse(text) : undefined,
            });
          });
          response.once('error', reject);
        },
      );
      sent.setTimeout(30_000, () => sent.destroy(new Error(`${path} did not answer within 30 s`)));
      sent.once('error', reject);
      sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  /** Opens the stream of events; `seen` grows. */
  async events(lastEventId?: string): Promise<EventClient> {
    const headers = {
      ...(this.cookie && { cookie: this.cookie }),
      ...(lastEventId && { 'last-event-id': lastEventId }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(new URL('api/events', this.url), { headers, agent: false }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`the events answered ${response.statusCode}`));
        else resolve(new EventClient(response));
      });
      sent.once('error', reject);
      sent.end();
    });
  }
}

/** A page that is open. */
export class EventClient {
  readonly seen: { readonly id: string; readonly event: string; readonly data: Answer['json'] }[] = [];
  isEnded = false;
  readonly #response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.#response = response;
    let rest = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      const frames = (rest + part).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        const [, id, event, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(frame) ?? [];
        if (id !== undefined && event !== undefined) this.seen.push({ id, event, data: JSON.parse(data ?? '') });
      }
    });
    response.once('close', () => {
      this.isEnded = true;
    });
    response.once('error', () => {});
  }

  close(): void {
    this.#response.destroy();
  }
}

/** Waits until something holds, 20 s at most. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 20_000,
): Promise<T> {
  const from = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() - from > limitMs) throw new Error(`waited ${limitMs} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export const TOKENS = { operate: 'operate-token-of-a-test', read: 'read-token-of-a-test' };

/** Waits until a management API answers: that of a node that has just started fails for a while. */
export async function managementAnswers(url: string): Promise<void> {
  const { username, password, host } = new URL(url);
  const headers = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
  await until('the management API', async () => (await fetch(`http://${host}/api/overview`, { headers })).ok);
}
