import { ConfigurationError, describeValue } from '../errors/configuration-error.js';
import type { ApplicationPart, PartHost } from '../events/application-part.js';
import type { Message, Publication } from '../message/message.js';
import type { PayloadOf, PayloadType } from '../message/payload-type.js';
import { isStandardSchema } from '../message/standard-schema.js';
import { within } from '../time/clock.js';
import { type Duration, durationMs } from '../time/duration.js';
import type { Unanswered } from '../transport/transport.js';
import { buildPublication, type PublishRoute } from './build-publication.js';
import { type Channel, isChannel, routeOfChannel } from './channel.js';
import { checkPayload } from './check-payload.js';
import { DelayedPublishes } from './delayed-publishes.js';
import { type PublishAllOptions, type PublishCounts, type PublishResult, publishAll } from './publish-all.js';
import { type ConfirmCallback, PublishCallbacks, type ReturnCallback } from './publish-callbacks.js';
import { publishDelayMs, refuseDelay } from './publish-delay.js';
import { RequestTimeoutError } from './publish-error.js';
import type { BodySource } from './publish-job.js';
import type { PublishOptions, PublishReceipt } from './publish-options.js';
import { type PublisherHoldings, type PublisherSetup, PublishWays } from './publish-ways.js';
import type { Publishable, PublishableInstance, PublishableItem } from './publishable.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import type { PublisherStats } from './publisher-stats.js';
import { requireType } from './require-type.js';

/** Options of one request, which is sent at once. The correlation id and the reply address are the publisher's own. */
export interface RequestOptions<Reply extends PayloadType = PayloadType>
  extends Omit<PublishOptions, 'correlationId' | 'replyTo' | 'delay' | 'deliverAt'> {
  /** How long to wait for the reply, the sending included. Default: the publisher's `requestTimeout`. */
  readonly timeout?: Duration;
  /** What the reply is read as, as `@Payload` of a handler reads: a class, a schema, ... Default: whatever its content type says. */
  readonly replyType?: Reply;
}

/** The largest frame RabbitMQ offers by default, assumed until a connection has said otherwise. */
const DEFAULT_FRAME_MAX = 131_072;

/**
 * Publishes messages. Each promise settles exactly once: it resolves when the broker has the message in every queue it
 * is routed to, and rejects with a `PublishError` that says what is known of it.
 *
 * | the broker says | the promise |
 * |---|---|
 * | ack | resolves |
 * | return, then ack: no queue is bound | rejects with `PublishUnroutableError` (unless `returns: false`) |
 * | nack: a queue is full, or failed | retry, then `LEV_PUBLISH_NACKED` |
 * | channel closed: no such exchange | rejects with `LEV_PUBLISH_EXCHANGE_MISSING`; its neighbours are published again |
 * | channel closed for another reason | rejects with `LEV_PUBLISH_REFUSED`; its neighbours are published again |
 * | nothing: the message cannot be written as AMQP | rejects with `LEV_PUBLISH_UNENCODABLE`; nothing was sent |
 * | connection gone, or no answer in time | retry with the same id, then `LEV_PUBLISH_CHANNEL_LOST`, `LEV_PUBLISH_CONFIRM_TIMEOUT` |
 * | no connection | retry, then `LEV_PUBLISH_NOT_CONNECTED` |
 *
 * With `delay` or `deliverAt` the message waits at the broker, which the promise resolves for.
 * @see https://www.rabbitmq.com/docs/publishers
 */
export class Publisher {
  readonly #setup: PublisherSetup;
  readonly #options: ResolvedPublisherOptions;
  readonly #callbacks: PublishCallbacks;
  readonly #ways: PublishWays;
  readonly #delayed: DelayedPublishes;
  readonly #rebuild: Build = (route, payload, options) => this.#build(route, payload, options);
  #closing: Promise<void> | undefined;

  constructor(setup: PublisherSetup) {
    this.#setup = setup;
    this.#options = setup.options;
    this.#callbacks = new PublishCallbacks(setup.logger);
    this.#ways = new PublishWays(setup, this.#callbacks);
    this.#delayed = setup.delayed ?? new DelayedPublishes(setup.transport, setup.options.connectionTimeoutMs);
  }

  /** Publishes a payload through a channel, which says where it goes and what it is. */
  publish<T>(channel: Channel<T>, payload: Publishable<NoInfer<T>>, options?: PublishOptions): Promise<PublishReceipt>;
  /** Publishes a payload to an exchange. */
  publish<T>(
    exchange: string,
    routingKey: string,
    payload: Publishable<T>,
    options?: PublishOptions,
  ): Promise<PublishReceipt>;
  /** Publishes an instance of a class that says itself where it goes. */
  publish<T extends object>(payload: PublishableInstance<T>, options?: PublishOptions): Promise<PublishReceipt>;
  publish(target: unknown, second?: unknown, third?: unknown, fourth?: unknown): Promise<PublishReceipt> {
    if (typeof target === 'string') {
      return this.#publish({ exchange: target, routingKey: second as string }, third, fourth as PublishOptions);
    }
    if (isChannel(target)) return this.#publishThrough(target, second, third as PublishOptions | undefined);
    return this.#publishTyped(target as object, second as PublishOptions | undefined);
  }

  /** Publishes a payload to one queue, through the default exchange. Unroutable when there is no such queue. */
  sendToQueue<T>(queue: string, payload: Publishable<T>, options?: PublishOptions): Promise<PublishReceipt> {
    return this.#publish({ exchange: '', routingKey: queue }, payload, options);
  }

  /** Publishes a message that is complete already: nothing is added to it, its body is not converted. */
  send(publication: Publication): Promise<PublishReceipt> {
    return this.#ways.send(publication, wholeBody(publication));
  }

  /**
   * Makes something that publishes through this publisher, such as the relay of an outbox, part of the application: its trouble
   * shows in the log, the events and the health of it. `undefined` for a publisher that belongs to none.
   */
  attach(part: ApplicationPart): PartHost | undefined {
    return this.#setup.attach?.(part);
  }

  /**
   * Publishes a reply that is complete already, on a channel that is for replies only: who asks chooses where they go, and must
   * not be able to hold up anything else.
   */
  reply(publication: Publication): Promise<PublishReceipt> {
    return this.#ways.reply(publication, wholeBody(publication));
  }

  /**
   * Publishes every item of a source and answers one result for each, in order. Items are taken as room allows, so the source
   * may be of any length; the results of all are kept until the last has settled. For long ones, `onResult` is told each result
   * as it comes, and only counts are kept. An item is a {@link BatchMessage}, a {@link ChannelMessage}, or an instance of a class
   * that says where it goes.
   * @throws what the source or `onResult` throws, once the items taken before have settled
   */
  publishAll<T extends object>(
    source: Iterable<T & PublishableItem<T>> | AsyncIterable<T & PublishableItem<T>>,
  ): Promise<PublishResult[]>;
  publishAll<T extends object>(
    source: Iterable<T & PublishableItem<T>> | AsyncIterable<T & PublishableItem<T>>,
    options: PublishAllOptions<T>,
  ): Promise<PublishCounts>;
  async publishAll<T extends object>(
    source: Iterable<T> | AsyncIterable<T>,
    options?: PublishAllOptions<T>,
  ): Promise<PublishResult[] | PublishCounts> {
    const ahead = Math.min(2 * this.#options.window, this.#options.buffer.maxMessages);
    const publish = (item: T) => this.#publishItem(item);
    if (options === undefined) {
      const results: PublishResult[] = [];
      await publishAll(source, ahead, publish, (result, _item, index) => {
        results[index] = result;
      });
      return results;
    }
    let [confirmed, failed] = [0, 0];
    await publishAll(source, ahead, publish, (result, item, index) => {
      if (result.status === 'fulfilled') confirmed++;
      else failed++;
      options.onResult(result, item, index);
    });
    return { confirmed, failed };
  }

  /**
   * Publishes a request and resolves to the converted reply.
   *
   * Replies come back directly to the channel of the request, without a queue: when that channel ends (also by another
   * request to an exchange that is missing), replies that are outstanding cannot arrive and their requests reject.
   * @throws {RequestTimeoutError} when no reply came in time
   * @throws {RemoteFailureError} when the listener replied with an error
   * @throws {MessageConversionError} when the reply cannot be read as `replyType`
   * @throws {MessageValidationError} when the reply breaks rules of `replyType`
   * @throws {PublishError} when the request could not be published, or its reply can no longer arrive
   * @see https://www.rabbitmq.com/docs/direct-reply-to
   */
  request<Reply extends PayloadType, T>(
    channel: Channel<T>,
    payload: Publishable<NoInfer<T>>,
    options: RequestOptions<Reply> & { readonly replyType: Reply },
  ): Promise<PayloadOf<Reply>>;
  request<Reply = unknown, T = never>(
    channel: Channel<T>,
    payload: Publishable<NoInfer<T>>,
    options?: RequestOptions<never>,
  ): Promise<Reply>;
  request<Reply extends PayloadType, T>(
    exchange: string,
    routingKey: string,
    payload: Publishable<T>,
    options: RequestOptions<Reply> & { readonly replyType: Reply },
  ): Promise<PayloadOf<Reply>>;
  request<Reply = unknown, T = unknown>(
    exchange: string,
    routingKey: string,
    payload: Publishable<T>,
    options?: RequestOptions<never>,
  ): Promise<Reply>;
  request(target: unknown, second: unknown, third?: unknown, fourth?: unknown): Promise<unknown> {
    if (isChannel(target)) return this.#request(target, undefined, second, third as RequestOptions | undefined);
    const route = { exchange: target as string, routingKey: second as string };
    return this.#request(undefined, route, third, fourth as RequestOptions | undefined);
  }

  async #request(
    channel: Channel | undefined,
    address: PublishRoute | undefined,
    payload: unknown,
    options: RequestOptions = {},
  ): Promise<unknown> {
    const { timeout, replyType, ...publishOptions } = options;
    const { clock } = this.#setup;
    refuseDelay(publishOptions);
    const timeoutMs = timeout === undefined ? this.#options.requestTimeoutMs : durationMs(timeout, 'timeout');
    const route = address ?? routeOfChannel(channel as Channel, payload);
    await checkPayload(this.#options, payload, channel?.payload, clock);
    const publication = this.#build(route, payload, publishOptions);
    const reply = await this.#ways.requester.request(publication, timeoutMs);
    // Rules that ask somewhere else are waited for, but not for ever.
    return within(clock, timeoutMs, Promise.resolve(this.#readReply(reply, replyType)), () => {
      const { correlationId = '' } = reply;
      const text = `The reply came, but was not validated within ${timeoutMs} ms: a rule waits for something that does not come.`;
      throw new RequestTimeoutError(text, { correlationId, timeoutMs });
    });
  }

  #readReply(reply: Message, type: PayloadType | undefined): unknown {
    const { converter, readReply } = this.#setup;
    if (type === undefined) return converter.fromMessage(reply, undefined);
    if (readReply !== undefined) return readReply(reply, type);
    if (typeof type !== 'function' || isStandardSchema(type)) {
      throw new ConfigurationError(['this publisher reads replies as classes only, and replyType is none']);
    }
    return requireType(converter.fromMessage(reply, type), type);
  }

  /** Calls back for each message that is returned because no queue is bound for it. Answers how to stop that. */
  onReturn(callback: ReturnCallback): () => void {
    return this.#callbacks.onReturn(callback);
  }

  /** Calls back for each ack and nack; for a returned message after {@link onReturn}. Answers how to stop that. */
  onConfirm(callback: ConfirmCallback): () => void {
    return this.#callbacks.onConfirm(callback);
  }

  /** Largest frame of the connection in bytes: the headers of a message must fit in one. */
  get frameMax(): number {
    return this.#setup.transport.broker?.frameMax ?? DEFAULT_FRAME_MAX;
  }

  /**
   * Destinations of which nothing was confirmed for `olderThanMs` or longer although something was published there, the longest
   * first, at most 16. One is among them until something is confirmed, or for a minute after the last message was given up.
   */
  unanswered(olderThanMs: number): readonly Unanswered[] {
    return this.#ways.unanswered(olderThanMs);
  }

  /** Counts since the start, and what is held now. */
  get stats(): Readonly<PublisherStats> & PublisherHoldings {
    return { ...this.#ways.stats, ...this.#ways.holdings };
  }

  /**
   * Takes no more messages, waits until all before have settled, at most `timeout` (default `closeTimeout`), and rejects
   * what is left with `LEV_PUBLISHER_CLOSED`. Never rejects itself; can be called again.
   */
  close(options: { readonly timeout?: Duration } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeout);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(timeout: Duration | undefined): Promise<void> {
    const timeoutMs = timeout === undefined ? this.#options.closeTimeoutMs : durationMs(timeout, 'timeout');
    await this.#ways.close(timeoutMs);
  }

  #publishThrough(channel: Channel, payload: unknown, options: PublishOptions | undefined): Promise<PublishReceipt> {
    try {
      return this.#publish(routeOfChannel(channel, payload), payload, options, channel.payload);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #publish(
    route: PublishRoute,
    payload: unknown,
    options: PublishOptions | undefined,
    type?: PayloadType,
  ): Promise<PublishReceipt> {
    try {
      const valid = checkPayload(this.#options, payload, type, this.#setup.clock);
      if (valid === undefined) return this.#send(route, payload, options);
      return valid.then(() => this.#send(route, payload, options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send(route: PublishRoute, payload: unknown, options: PublishOptions | undefined): Promise<PublishReceipt> {
    if (options?.delay !== undefined || options?.deliverAt !== undefined) {
      const askedAt = this.#setup.clock.now();
      const delayMs = publishDelayMs(options, askedAt);
      if (delayMs > 0) return this.#sendLater(this.#build(route, payload, options), delayMs);
    }
    return this.#ways.send(
      this.#build(route, payload, options),
      new PayloadBody(this.#rebuild, route, payload, options),
    );
  }

  async #sendLater(publication: Publication, delayMs: number): Promise<PublishReceipt> {
    return this.send(await this.#delayed.after(publication, delayMs));
  }

  #publishTyped(payload: object, options: PublishOptions | undefined): Promise<PublishReceipt> {
    try {
      return this.#publish(this.#routeOf(payload), payload, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #publishItem(item: object): Promise<PublishReceipt> {
    const route = this.#setup.routeOf?.(item);
    if (route !== undefined) return this.#publish(route, item, undefined);
    const message = item as Partial<Record<'channel' | 'exchange' | 'routingKey' | 'queue' | 'payload', unknown>> & {
      readonly options?: PublishOptions;
    };
    const { payload, options } = message;
    if (isChannel(message.channel)) return this.#publishThrough(message.channel, payload, options);
    if (message.queue !== undefined) return this.sendToQueue(message.queue as string, payload, options);
    if (message.exchange === undefined) return this.#publishTyped(item, undefined);
    const { exchange, routingKey } = message as PublishRoute;
    return this.publish(exchange, routingKey, payload, options);
  }

  #routeOf(payload: object): PublishRoute {
    const route = this.#setup.routeOf?.(payload);
    if (route !== undefined) return route;
    throw new ConfigurationError([
      `publish() with one argument needs an instance of a class that says where it is published; got ${describeValue(payload)}. Put @PublishTo(exchange, routingKey) on its class, or say where it goes: publish(channel, payload), publish(exchange, routingKey, payload)`,
    ]);
  }

  #build(route: PublishRoute, payload: unknown, options: PublishOptions | undefined): Publication {
    if (typeof route.exchange !== 'string' || typeof route.routingKey !== 'string') {
      throw new ConfigurationError([
        `publish needs an exchange and a routing key as text; got ${describeValue(route.exchange)} and ${describeValue(route.routingKey)}`,
      ]);
    }
    const publication = buildPublication(route, payload, options, this.#options, this.#setup.converter);
    return this.#options.beforePublish?.(publication) ?? publication;
  }
}

type Build = (route: PublishRoute, payload: unknown, options: PublishOptions | undefined) => Publication;

/** The body of a payload, which can be made once more. A class, because there is one for each message. */
class PayloadBody implements BodySource {
  readonly #build: Build;
  readonly #route: PublishRoute;
  readonly #payload: unknown;
  readonly #options: PublishOptions | undefined;

  constructor(build: Build, route: PublishRoute, payload: unknown, options: PublishOptions | undefined) {
    this.#build = build;
    this.#route = route;
    this.#payload = payload;
    this.#options = options;
  }

  get isShared(): boolean {
    return ArrayBuffer.isView(this.#payload);
  }

  body(): Buffer {
    return this.#build(this.#route, this.#payload, this.#options).body;
  }
}

/** A message that is complete is its caller's, body and all. */
function wholeBody({ body }: Publication): BodySource {
  return { isShared: true, body: () => body };
}
