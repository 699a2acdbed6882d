import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@leveret/core';
import type { EventsJson } from '../contract/contract.js';
import { API_HEADERS } from '../security/response-headers.js';
import { every } from '../time/every.js';
import { ConsoleFault } from './console-fault.js';

const MOST_CLIENTS = 100;
const HEARTBEAT_MS = 15_000;
/** Bytes that wait for a client; one that has more is too slow. */
const MOST_WAITING = 2 ** 20;
const MOST_KEPT = 200;

/** Whoever has opened a page. */
export interface Visitor {
  /** Whether their session still holds: asked before each event. */
  readonly mayStay: () => boolean;
  /** Whether the application still lets them in: asked with each heartbeat. Answers within seconds, and never rejects. */
  readonly isStillKnown?: () => Promise<boolean>;
}

interface Client extends Visitor {
  readonly response: ServerResponse;
}

interface KeptEvent {
  readonly id: number;
  readonly frame: string;
}

/** What may be sent: by name, with its data. */
export type ConsoleEvent = {
  [Name in keyof EventsJson]: { readonly name: Name; readonly data: EventsJson[Name] };
}[keyof EventsJson];

/** Server-sent events to the pages that are open. What a page missed that lost its connection is sent again. */
export class EventStreams {
  readonly #clock: Clock;
  readonly #clients = new Set<Client>();
  readonly #run = randomBytes(4).toString('hex');
  #kept: KeptEvent[] = [];
  #id = 0;
  #isClosed = false;
  #stopBeats: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /**
   * Keeps a response open.
   * @param first what the page begins with
   * @throws {ConsoleFault} 503 when there are too many
   */
  open(request: IncomingMessage, response: ServerResponse, first: readonly ConsoleEvent[], visitor: Visitor): void {
    if (this.#isClosed || this.#clients.size >= MOST_CLIENTS) {
      const text = `There are ${MOST_CLIENTS} open pages already. Close some.`;
      throw new ConsoleFault(503, 'LEV_CONSOLE_REQUEST', text, 30);
    }
    const client = { response, ...visitor };
    response.writeHead(200, {
      ...API_HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\n');
    this.#clients.add(client);
    response.once('close', () => this.#clients.delete(client));
    response.on('error', () => this.#drop(client));
    const missed = this.#missedSince(request.headers['last-event-id']);
    for (const event of first) this.#write(client, frameOf(`${this.#run}-${this.#id}`, event));
    for (const { frame } of missed) this.#write(client, frame);
    this.#stopBeats ??= every(this.#clock, HEARTBEAT_MS, () => this.#beat());
  }

  /** Sends to every page. `keep`: also to those that come back and have missed it. */
  send(event: ConsoleEvent, keep = false): void {
    const id = ++this.#id;
    const frame = frameOf(`${this.#run}-${id}`, event);
    if (keep) this.#kept = [...this.#kept.slice(-MOST_KEPT + 1), { id, frame }];
    for (const client of this.#clients) this.#write(client, frame);
  }

  /** Ends all of them. */
  close(): void {
    this.#isClosed = true;
    this.#stopBeats?.();
    for (const { response } of this.#clients) response.end();
    this.#clients.clear();
  }

  #missedSince(lastId: string | string[] | undefined): readonly KeptEvent[] {
    const [run, id] = String(lastId ?? '').split('-');
    if (run !== this.#run) return [];
    return this.#kept.filter((event) => event.id > Number(id));
  }

  async #beat(): Promise<void> {
    for (const client of this.#clients) this.#write(client, ': still here\n\n');
    const asked = [...this.#clients].map(async (client) => {
      if ((await client.isStillKnown?.()) === false) this.#end(client);
    });
    await Promise.all(asked);
  }

  #write(client: Client, frame: string): void {
    if (!client.mayStay()) {
      this.#end(client);
      return;
    }
    client.response.write(frame);
    if (client.response.writableLength > MOST_WAITING) this.#drop(client);
  }

  /** Who is let in no longer. */
  #end(client: Client): void {
    this.#clients.delete(client);
    client.response.end();
  }

  /** Too slow, or gone: a page that is still there comes back, and begins anew. */
  #drop(client: Client): void {
    this.#clients.delete(client);
    client.response.destroy();
  }
}

function frameOf(id: string, { name, data }: ConsoleEvent): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
