import {
  type BrokerFacts,
  type Clock,
  ConfigurationError,
  type ConnectionEvent,
  type ConnectionHealth,
  type ConnectionRole,
  type ConsumeRequest,
  type DeclareOptions,
  type DeliverySink,
  type ExchangeLook,
  inContext,
  LeveretError,
  type PublishChannel,
  type ReplyChannel,
  type Subscription,
  systemClock,
  type Topology,
  type Transport,
  type Unanswered,
} from '@leveret/core';
import type { Channel } from 'amqplib';
import { type ConnectionOptions, resolveConnectionOptions } from './connection/connection-options.js';
import type { Link } from './connection/link.js';
import { ManagedConnection } from './connection/managed-connection.js';
import { SpareConnection } from './connection/spare-connection.js';
import { countMessages } from './delivery/count-messages.js';
import { Subscriptions } from './delivery/subscriptions.js';
import { asError, errorText } from './errors/broker-reply.js';
import { AmqplibPublishChannel } from './publisher/amqplib-publish-channel.js';
import { AmqplibReplyChannel } from './publisher/amqplib-reply-channel.js';
import { lookForExchange } from './publisher/look-for-exchange.js';
import { TopologyKeeper } from './topology/topology-keeper.js';

/** Options of {@link AmqplibTransport}. */
export interface AmqplibTransportOptions {
  readonly connection?: ConnectionOptions;
  /**
   * A queue or exchange that exists with other properties: `warn` (the default) reports it, leaves it as it is and goes
   * on with the rest; `fail` stops the start.
   */
  readonly mismatch?: 'fail' | 'warn';
  /** Default: the time of this process. */
  readonly clock?: Clock;
}

/** Connections that may be lost over one declaration: more are no accident. */
const MOST_LOST = 3;
/** How long a connection that stands may take to open a channel. */
const PATIENCE_MS = 1_000;

/**
 * RabbitMQ by way of amqplib: two connections (one consumes, one publishes) that come back by themselves, with everything
 * declared anew and every consumer consuming again.
 */
export class AmqplibTransport implements Transport {
  readonly #clock: Clock;
  readonly #consume: ManagedConnection;
  readonly #publish: ManagedConnection;
  readonly #spare: SpareConnection;
  readonly #keeper: TopologyKeeper;
  readonly #subscriptions: Subscriptions;
  readonly #listeners = new Set<(event: ConnectionEvent) => void>();
  /** What is still to be told of the options. */
  readonly #warnings: string[];
  #broker: BrokerFacts | undefined;
  #closing: Promise<void> | undefined;

  /** @throws {ConfigurationError} that lists every fault of the options */
  constructor(options: AmqplibTransportOptions = {}) {
    const connection = resolveConnectionOptions(options.connection);
    const mismatch = options.mismatch ?? 'warn';
    if (mismatch !== 'fail' && mismatch !== 'warn') {
      throw new ConfigurationError([`mismatch must be 'fail' or 'warn'; got ${JSON.stringify(mismatch)}`]);
    }
    this.#warnings = [...connection.warnings];
    const clock = options.clock ?? systemClock;
    this.#clock = clock;
    this.#keeper = new TopologyKeeper(mismatch, (event) => this.#emit(event), clock);
    this.#consume = new ManagedConnection('consume', connection, this.#eventsOf('consume'), clock);
    this.#publish = new ManagedConnection('publish', connection, this.#eventsOf('publish'), clock);
    this.#spare = new SpareConnection(connection, clock);
    this.#subscriptions = new Subscriptions({
      ...{ common: this.#consume, keeper: this.#keeper, clock },
      connect: (events) => new ManagedConnection('consume', connection, events, clock),
      suspected: (queue, error) => this.#emit({ type: 'queue-suspected', role: 'consume', queue, error }),
    });
  }

  get publishBlocked(): boolean {
    return this.#publish.link?.blocked ?? false;
  }

  get broker(): BrokerFacts | undefined {
    return this.#broker;
  }

  async declare(topology: Topology, options: DeclareOptions = {}): Promise<void> {
    for (let lost = 1; ; lost++) {
      const link = this.#consume.link ?? this.#publish.link;
      try {
        return await this.#keeper.add(topology, options, link, link === this.#consume.link ? 'consume' : 'publish');
      } catch (error) {
        // A connection that was cut says nothing about what was declared: the next one declares it.
        if (link?.wasCut !== true || lost === MOST_LOST) throw error;
      }
    }
  }

  connect(role: ConnectionRole): Promise<void> {
    for (const text of this.#warnings.splice(0)) this.#emit({ type: 'notice', text, level: 'warn' });
    return this.#connection(role).open();
  }

  subscribe(request: ConsumeRequest, sink: DeliverySink): Subscription {
    return this.#subscriptions.begin(request, sink);
  }

  async openPublishChannel(options: {
    readonly confirm: boolean;
    readonly timeoutMs: number;
    readonly apart?: boolean;
  }): Promise<PublishChannel> {
    const { confirm, timeoutMs, apart } = options;
    const open = (on: Link, ms: number): Promise<Channel> => (confirm ? on.openConfirmChannel(ms) : on.openChannel(ms));
    const { link, channel } = await (apart === true
      ? this.#orSayWhy(timeoutMs, () => undefined, this.#spare.open(timeoutMs, open))
      : this.#openChannel(timeoutMs, open));
    return new AmqplibPublishChannel(channel, confirm, link, this.#clock);
  }

  async openReplyChannel(options: { readonly timeoutMs: number }): Promise<ReplyChannel> {
    const deadline = this.#clock.monotonic() + options.timeoutMs;
    const { link, channel } = await this.#openChannel(options.timeoutMs, (on, ms) => on.openConfirmChannel(ms));
    const leftMs = Math.max(1, deadline - this.#clock.monotonic());
    return this.#orSayWhy(options.timeoutMs, () => link, AmqplibReplyChannel.open(channel, link, this.#clock, leftMs));
  }

  async lookForExchange(name: string, timeoutMs: number): Promise<ExchangeLook> {
    const { link } = this.#publish;
    if (link === undefined)
      throw new LeveretError('LEV_PUBLISH_NOT_CONNECTED', 'There is no connection to publish on.');
    return lookForExchange(link, name, this.#clock, timeoutMs);
  }

  async countMessages(queue: string, timeoutMs: number): Promise<number | 'missing'> {
    const link = this.#consume.link ?? this.#publish.link;
    if (link === undefined) throw new LeveretError('LEV_CONNECTION_FAILED', 'There is no connection to ask on.');
    return countMessages(queue, link, this.#clock, timeoutMs);
  }

  isAsDeclared(queue: string): boolean {
    return this.#keeper.isAsDeclared(queue);
  }

  holdsBack(queue: string): boolean {
    return this.#consume.link?.holdingBack.has(queue) ?? false;
  }

  delays(exchange: string): boolean {
    return this.#keeper.delays(exchange);
  }

  health(): readonly ConnectionHealth[] {
    return [this.#consume.health(), this.#publish.health(), ...this.#subscriptions.health()];
  }

  unanswered(): readonly Unanswered[] {
    return [...this.#subscriptions.unanswered(), ...this.#keeper.unanswered()];
  }

  on(listener: (event: ConnectionEvent) => void): () => void {
    const bound = inContext(listener);
    this.#listeners.add(bound);
    return () => this.#listeners.delete(bound);
  }

  close(options: { readonly timeoutMs: number }): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    const deadline = this.#clock.monotonic() + timeoutMs;
    // Closing a channel flushes what was settled on it; closing the connection under it would not.
    await this.#subscriptions.close(timeoutMs / 2);
    const leftMs = Math.max(0, deadline - this.#clock.monotonic());
    await Promise.all([this.#consume.close(leftMs), this.#publish.close(leftMs), this.#spare.close(leftMs)]);
  }

  #connection(role: ConnectionRole): ManagedConnection {
    return role === 'consume' ? this.#consume : this.#publish;
  }

  /** Opens a channel on the connection that publishes, or on the spare one when that does not answer although it stands. */
  #openChannel<C extends Channel>(timeoutMs: number, open: (link: Link, timeoutMs: number) => Promise<C>) {
    const deadline = this.#clock.monotonic() + timeoutMs;
    let link: Link | undefined;
    const attempt = async () => {
      link = await this.#publish.acquire(timeoutMs);
      const leftMs = () => Math.max(1, deadline - this.#clock.monotonic());
      const patienceMs = Math.min(leftMs(), PATIENCE_MS);
      try {
        return { link, channel: await open(link, patienceMs) };
      } catch (error) {
        if (link.ended || patienceMs < PATIENCE_MS) throw error;
        if (link.blocked) return { link, channel: await open(link, leftMs()) };
        return this.#spare.open(leftMs(), open);
      }
    };
    return this.#orSayWhy(timeoutMs, () => link, attempt());
  }

  async #orSayWhy<T>(timeoutMs: number, link: () => Link | undefined, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (link()?.blocked === true) {
        throw new LeveretError(
          'LEV_PUBLISH_BLOCKED',
          `The broker blocks publishing because of a resource alarm and opened no channel within ${timeoutMs} ms; nothing was sent.`,
          { cause: error },
        );
      }
      throw new LeveretError(
        'LEV_PUBLISH_NOT_CONNECTED',
        `There is no connection to publish on; nothing was sent. ${errorText(error)}`,
        { cause: error },
      );
    }
  }

  #eventsOf(role: ConnectionRole) {
    return {
      prepare: (link: Link, starting: boolean) => this.#keeper.declareAll(link, role, starting),
      accepted: () => this.#broker !== undefined,
      secretNotRenewed: (error: Error, retryInMs: number) =>
        this.#emit({ type: 'secret-not-renewed', role, error, retryInMs }),
      connected: (link: Link, again: boolean) => {
        this.#broker = link.facts;
        this.#emit({ type: 'connected', role, host: link.host, broker: link.facts, again });
        if (role === 'consume') this.#subscriptions.connected(link);
      },
      disconnected: (error: Error | undefined, link: Link) => {
        if (role === 'consume') this.#subscriptions.disconnected(link);
        this.#emit({ type: 'disconnected', role, error });
      },
      connectFailed: (host: string, error: Error, retryInMs: number) =>
        this.#emit({ type: 'connect-failed', role, host, error, retryInMs }),
      failed: (error: Error) => {
        if (role === 'consume') this.#subscriptions.failed(error);
      },
      blocked: (reason: string) => this.#emit({ type: 'blocked', role, reason }),
      unblocked: () => this.#emit({ type: 'unblocked', role }),
    };
  }

  #emit(event: ConnectionEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // A listener of the application must not stop the transport from doing its work.
        process.emitWarning(asError(error));
      }
    }
  }
}
