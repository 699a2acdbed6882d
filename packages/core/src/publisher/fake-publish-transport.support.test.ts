import { expect } from 'chai';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { Problems } from '../errors/configuration-error.js';
import type { ErrorCode } from '../errors/error-codes.js';
import { silentLogger } from '../events/logger.js';
import type { Message, Publication } from '../message/message.js';
import type { MessageConverter } from '../message/message-converter.js';
import type {
  ChannelEnd,
  ConnectionEvent,
  PublishOutcome,
  ReplyChannel,
  ReturnInfo,
  Transport,
} from '../transport/transport.js';
import type { PublisherSetup } from './publish-ways.js';
import { Publisher } from './publisher.js';
import { type PublisherOptions, resolvePublisherOptions } from './publisher-options.js';

interface Sent {
  readonly publication: Publication;
  readonly settled: (outcome: PublishOutcome) => void;
  returned: ReturnInfo | undefined;
}

/** A channel that answers when a test says so. Publishes are numbered from 1, as the broker numbers them. */
export class FakeChannel implements ReplyChannel {
  readonly sent: Publication[] = [];
  readonly pending = new Map<number, Sent>();
  isOpen = true;
  hasRoom = true;
  closed = false;
  refuses: Error | undefined;
  #end: ChannelEnd | undefined;
  #drained: (() => void)[] = [];
  #onEnd: ((end: ChannelEnd) => void) | undefined;
  #onReply: ((message: Message) => void) | undefined;
  #onUnclaimedReturn: ((returned: ReturnInfo) => void) | undefined;

  publish(publication: Publication, settled: (outcome: PublishOutcome) => void): boolean {
    if (this.refuses !== undefined) throw this.refuses;
    const end = this.#end;
    if (end !== undefined) {
      queueMicrotask(() => settled({ kind: 'lost', closed: end }));
      return true;
    }
    this.sent.push(publication);
    this.pending.set(this.sent.length, { publication, settled, returned: undefined });
    return this.hasRoom;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  drain(): void {
    this.hasRoom = true;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  onEnd(listener: (end: ChannelEnd) => void): void {
    this.#onEnd = listener;
  }

  onReply(listener: (message: Message) => void): void {
    this.#onReply = listener;
  }

  onUnclaimedReturn(listener: (returned: ReturnInfo) => void): void {
    this.#onUnclaimedReturn = listener;
  }

  /** A message comes back whose publish is over. */
  returnLate(publication: Publication): void {
    this.#onUnclaimedReturn?.({ replyCode: 312, replyText: 'NO_ROUTE', message: messageOf(publication) });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.end({ kind: 'closed' });
  }

  ack(tag = this.sent.length, multiple = false): void {
    this.#answer('ack', tag, multiple);
  }

  nack(tag = this.sent.length, multiple = false): void {
    this.#answer('nack', tag, multiple);
  }

  return(tag = this.sent.length): void {
    const sent = this.pending.get(tag);
    if (sent === undefined) return;
    sent.returned = { replyCode: 312, replyText: 'NO_ROUTE', message: messageOf(sent.publication) };
  }

  /** The broker closes the channel. */
  fail(replyCode: number, replyText: string): void {
    this.end({ kind: 'channel-error', replyCode, replyText, error: new Error(replyText) });
  }

  loseConnection(replyCode?: number): void {
    const error = new Error(replyCode === undefined ? 'socket closed' : `Connection closed: ${replyCode}`);
    this.end({ kind: 'connection-lost', error, replyCode });
  }

  end(end: ChannelEnd): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#end = end;
    const lost = [...this.pending.values()];
    this.pending.clear();
    for (const { settled } of lost) settled({ kind: 'lost', closed: end });
    this.drain();
    this.#onEnd?.(end);
  }

  reply(message: Partial<Message>): void {
    this.#onReply?.({ ...messageOf({ exchange: '', routingKey: 'reply' }), ...message });
  }

  #answer(kind: 'ack' | 'nack', tag: number, multiple: boolean): void {
    const tags = multiple ? [...this.pending.keys()].filter((each) => each <= tag) : [tag];
    for (const each of tags) {
      const sent = this.pending.get(each);
      if (sent === undefined) continue;
      this.pending.delete(each);
      sent.settled({ kind, returned: sent.returned });
    }
  }
}

/** A broker for one publisher: opens channels as scripted, and keeps them for the test to play on. */
export class FakePublishTransport {
  readonly channels: FakeChannel[] = [];
  /** What the next tries to open a channel come to; without an entry they succeed. */
  readonly openings: (Error | 'never' | Promise<void>)[] = [];
  /** Every try that fails does so for this reason, while it is set. */
  down: Error | undefined;
  tries = 0;
  readonly confirmModes: boolean[] = [];
  publishBlocked = false;
  /** What exchanges there are, for a transport that can look for them. */
  exchanges: Set<string> | undefined;
  /** Names that were looked for. */
  readonly looks: string[] = [];
  readonly broker = undefined;
  readonly #listeners = new Set<(event: ConnectionEvent) => void>();

  async openPublishChannel(options: { readonly confirm: boolean }): Promise<FakeChannel> {
    this.confirmModes.push(options.confirm);
    return this.#open();
  }

  async openReplyChannel(): Promise<FakeChannel> {
    return this.#open();
  }

  get lookForExchange(): Transport['lookForExchange'] {
    const { exchanges } = this;
    if (exchanges === undefined) return undefined;
    return async (name) => {
      this.looks.push(name);
      if (name === 'unsaid') throw new Error('ACCESS_REFUSED');
      const replyText = `NOT_FOUND - no exchange '${name}'`;
      return { missing: exchanges.has(name) ? undefined : { error: new Error(replyText), replyText } };
    };
  }

  on(listener: (event: ConnectionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** The whole connection ends, with every channel on it. */
  loseConnection(replyCode?: number): void {
    for (const channel of this.channels) channel.loseConnection(replyCode);
    this.emit({ type: 'disconnected', role: 'publish', error: undefined });
  }

  emit(event: ConnectionEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  block(): void {
    this.publishBlocked = true;
    this.emit({ type: 'blocked', role: 'publish', reason: 'low on memory' });
  }

  unblock(): void {
    this.publishBlocked = false;
    this.emit({ type: 'unblocked', role: 'publish' });
  }

  /** The channel opened last. */
  get channel(): FakeChannel {
    const channel = this.channels.at(-1);
    if (channel === undefined) throw new Error('expected the publisher to have opened a channel');
    return channel;
  }

  async #open(): Promise<FakeChannel> {
    this.tries++;
    const how = this.down ?? this.openings.shift();
    if (how === 'never') return new Promise(() => {});
    if (how instanceof Error) throw how;
    await how;
    const channel = new FakeChannel();
    this.channels.push(channel);
    return channel;
  }
}

/** Text to bytes and back: enough for a publisher. */
export const textConverter: MessageConverter = {
  fromMessage: (message) => message.body.toString(),
  toMessage: (payload) => ({ body: Buffer.from(String(payload)), contentType: 'text/plain', contentEncoding: 'UTF-8' }),
};

/** A publisher on a scripted broker with a clock that stands still. */
export function setUp(raw: PublisherOptions = {}, more: Partial<PublisherSetup> = {}) {
  const problems = new Problems();
  const options = resolvePublisherOptions(raw, problems);
  problems.throwIfAny();
  const transport = new FakePublishTransport();
  const clock = new FakeClock();
  const publisher = new Publisher({
    transport: transport as unknown as Transport,
    options,
    converter: textConverter,
    clock,
    logger: silentLogger,
    ...more,
  });
  return { publisher, transport, clock };
}

/** How a promise stands, now and later. */
export interface Watched<T> {
  readonly value: T | undefined;
  readonly error: Error | undefined;
  readonly settlements: number;
}

/** Watches a promise, so that a test can ask how it stands; its rejection is handled. */
export function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: { value: T | undefined; error: Error | undefined; settlements: number } = {
    value: undefined,
    error: undefined,
    settlements: 0,
  };
  promise.then(
    (value) => {
      watched.value = value;
      watched.settlements++;
    },
    (error: Error) => {
      watched.error = error;
      watched.settlements++;
    },
  );
  return watched;
}

/** What a promise rejects with. */
export async function failureOf<E extends Error>(
  promise: Promise<unknown>,
  // biome-ignore lint/suspicious/noExplicitAny: an error class is known by any constructor arguments
  expected: abstract new (...args: any[]) => E,
  code?: ErrorCode,
): Promise<E> {
  const error: unknown = await promise.then(
    (value) => new Error(`expected a rejection with ${expected.name}, but it resolved to ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof expected)) throw error;
  if (code !== undefined) expect(error).to.have.property('code', code);
  return error;
}

export { turn };

function messageOf(publication: Partial<Publication>): Message {
  return {
    ...publication.properties,
    body: publication.body ?? Buffer.alloc(0),
    headers: publication.headers ?? {},
    exchange: publication.exchange ?? '',
    routingKey: publication.routingKey ?? '',
    redelivered: false,
  };
}
