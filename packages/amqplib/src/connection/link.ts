import type { Socket } from 'node:net';
import { type BrokerFacts, type Clock, LeveretError, within } from '@leveret/core';
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';
import { asError, brokerReply } from '../errors/broker-reply.js';
import { DeliveryReader } from '../wire/delivery-reader.js';
import { guardConsumers } from '../wire/guard-consumers.js';
import { guardDecoding } from '../wire/guard-decoding.js';
import { coalesceWrites } from './coalesce-writes.js';
import { endTurn } from './end-of-turn.js';
import { quarantineChannel } from './quarantine-channel.js';

/** Called when something happens to a link. */
export interface LinkEvents {
  /** Once, after every channel of it has ended. */
  ended(error: Error | undefined): void;
  blocked(reason: string): void;
  unblocked(): void;
}

// How long what was written last (close-ok, acks) may take to leave before the socket is destroyed.
const LINGER_MS = 250;

// A close by an operator, or for a shutdown.
const CONNECTION_FORCED = 320;

// How long the answer to a close is waited for. Whatever mattered has been flushed and answered before.
const ANSWER_MS = 5000;

// The parts of amqplib that its types leave out. All are read with a fallback.
interface Internals {
  readonly frameMax?: unknown;
  readonly channelMax?: unknown;
  readonly serverProperties?: Readonly<Record<string, unknown>>;
  readonly stream?: Socket;
  readonly expectSocketClose?: boolean;
}

/** One AMQP connection, from its handshake to its end. It never comes back: a new one is a new link. */
export class Link {
  readonly host: string;
  readonly facts: BrokerFacts;
  /** Channels that may be open at once; `undefined` for no limit. */
  readonly channelMax: number | undefined;
  /** Queues that were declared here as ones that hold back what is rejected. */
  readonly holdingBack = new Set<string>();
  readonly #model: ChannelModel;
  readonly #events: LinkEvents;
  readonly #clock: Clock;
  readonly #stream: Socket | undefined;
  #ended = false;
  #blocked = false;
  #error: Error | undefined;
  #untaken: number | undefined;
  #flush: () => void = () => {};
  readonly #endListeners = new Set<() => void>();

  constructor(model: ChannelModel, host: string, events: LinkEvents, clock: Clock) {
    const internals = model.connection as unknown as Internals;
    this.#model = model;
    this.#events = events;
    this.#clock = clock;
    this.host = host;
    this.#stream = internals.stream;
    if (this.#stream !== undefined) this.#flush = coalesceWrites(this.#stream);
    guardDecoding(model.connection, (channel) => {
      this.#untaken ??= channel;
    });
    DeliveryReader.readOn(model.connection);
    this.facts = {
      product: String(internals.serverProperties?.['product'] ?? 'unknown'),
      version: String(internals.serverProperties?.['version'] ?? '0.0.0'),
      frameMax: typeof internals.frameMax === 'number' ? internals.frameMax : 131_072,
    };
    const { channelMax } = internals;
    this.channelMax = typeof channelMax === 'number' && channelMax > 0 ? channelMax : undefined;
    model.on('error', (error) => {
      this.#error ??= error;
    });
    model.on('close', (error) => this.#end(error));
    model.on('blocked', (reason) => {
      this.#blocked = true;
      events.blocked(reason);
    });
    model.on('unblocked', () => {
      this.#blocked = false;
      events.unblocked();
    });
    // amqplib listens for 'end' and 'error' only: a socket that is destroyed on this side would go unnoticed until the
    // next heartbeat.
    this.#stream?.on('close', () => this.#socketClosed());
    this.#stream?.on('error', () => {});
    // It may have ended between the handshake and here.
    if (internals.expectSocketClose === true || this.#stream?.destroyed === true) this.#end(undefined);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** A resource alarm: the broker has stopped reading from this connection. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Why it ended, when that is known. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** It ended, and not because the broker found fault with what was asked of it. */
  get wasCut(): boolean {
    return this.#ended && [undefined, CONNECTION_FORCED].includes(brokerReply(this.#error)?.code);
  }

  /** The channel of the frame that could not be taken, when that ended it. */
  get untakenOn(): number | undefined {
    return this.#untaken;
  }

  /** Calls back when it has ended; at once when it has already. The result takes the listener away. */
  onEnd(listener: () => void): () => void {
    if (this.#ended) listener();
    else this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** Hands what was written so far to the system at once, instead of when the code that wrote it has ended. */
  flush(): void {
    this.#flush();
  }

  /** @throws {Error} when there is no answer in time, or the connection ends. */
  openChannel(timeoutMs: number): Promise<Channel> {
    return this.#open(this.#model.createChannel(), timeoutMs);
  }

  /** @throws {Error} when there is no answer in time, or the connection ends. */
  openConfirmChannel(timeoutMs: number): Promise<ConfirmChannel> {
    return this.#open(this.#model.createConfirmChannel(), timeoutMs);
  }

  /**
   * Gives the broker another password or token for this connection.
   * @throws {Error} when there is no answer in time, or the connection ends
   * @see https://www.rabbitmq.com/docs/oauth2
   */
  async updateSecret(secret: string, timeoutMs: number): Promise<void> {
    const late = (): never => {
      throw new LeveretError('LEV_CONNECTION_FAILED', `${this.host} took no new secret within ${timeoutMs} ms.`);
    };
    let stop = () => {};
    // amqplib's promise does not settle when the connection ends first, as it does when the broker refuses the secret.
    const ended = new Promise<never>((_resolve, reject) => {
      stop = this.onEnd(() => reject(this.#error ?? new Error('The connection ended.')));
    });
    try {
      const updated = this.#model.updateSecret(Buffer.from(secret), 'renewed by leveret');
      await within(this.#clock, timeoutMs, Promise.race([updated, ended]), late);
    } finally {
      stop();
    }
  }

  /** Closes it, politely within `timeoutMs` (at most 5 s), then by destroying the socket. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    if (!this.#ended) {
      endTurn();
      // amqplib's promise never settles when the socket ends first; the end itself always comes.
      const ended = new Promise<void>((resolve) => this.onEnd(resolve));
      this.#model.close().catch(() => {});
      // A broker that does not read does not answer, and what was written last is unconfirmed anyway.
      const politeMs = Math.min(timeoutMs, this.#blocked ? LINGER_MS : ANSWER_MS);
      await within(this.#clock, politeMs, ended, () => undefined);
    }
    this.destroy(undefined);
  }

  /** Ends it at once, without a word to the broker. */
  destroy(error: Error | undefined): void {
    if (!this.#ended) {
      this.#error ??= error;
      // Lets amqplib run its own end first: it fails what waits on its channels.
      this.#stream?.emit('error', error ?? new Error('The connection was destroyed.'));
      this.#end(error);
    }
    this.#stream?.destroy();
  }

  async #open<C extends Channel>(opening: Promise<C>, timeoutMs: number): Promise<C> {
    let late = false;
    opening.then(
      (channel) => {
        guardConsumers(channel);
        // An 'error' event without a listener would end the whole connection.
        channel.on('error', () => {
          channel.once('close', () => quarantineChannel(channel, this.#clock));
        });
        if (late) channel.close().catch(() => {});
      },
      () => {},
    );
    const alive = opening.then((channel) => {
      // Its end came in the same packet as the answer: whoever listens from now on would never hear of it.
      if (this.#ended) throw this.#error ?? new Error('The connection ended.');
      return channel;
    });
    return within(this.#clock, timeoutMs, alive, () => {
      late = true;
      throw new LeveretError('LEV_CONNECTION_FAILED', `${this.host} did not open a channel within ${timeoutMs} ms.`);
    });
  }

  #socketClosed(): void {
    if (!this.#ended) this.#stream?.emit('error', new Error('The socket was closed.'));
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error ??= error === undefined ? undefined : asError(error);
    const stream = this.#stream;
    if (stream !== undefined) {
      // amqplib only half-closes the socket. Without unref a peer that never answers would keep the process alive.
      stream.unref();
      this.#clock.after(LINGER_MS, () => stream.destroy());
    }
    for (const listener of this.#endListeners) listener();
    this.#endListeners.clear();
    this.#events.ended(this.#error);
  }
}
