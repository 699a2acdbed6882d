import {
  type BrokerFacts,
  type Clock,
  type Delivery,
  type Publication,
  type PublishChannel,
  type PublishOutcome,
  systemClock,
  within,
} from '@leveret/core';
import type { Channel } from 'amqplib';
import { ConnectionAttempts } from '../connection/connection-attempts.js';
import { type ConnectionOptions, resolveConnectionOptions } from '../connection/connection-options.js';
import type { Link } from '../connection/link.js';
import { ConsumerChannel } from '../delivery/consumer-channel.js';
import { type BrokerReply, brokerReply, channelClosedError } from '../errors/broker-reply.js';
import { AmqplibPublishChannel } from '../publisher/amqplib-publish-channel.js';
import { parseMismatch } from '../topology/parse-mismatch.js';

/** What a queue says about itself to whoever asks over AMQP. */
export interface QueueState {
  /** Messages that could be handed out now. Those in the hands of consumers are not among them. */
  readonly messages: number;
  readonly consumers: number;
}

/** The arguments and properties of a queue, as its declaration has them. */
export interface DeclaredQueue {
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Options of {@link BrokerSession.consume}. */
export interface SessionConsumeOptions {
  /** Unsettled deliveries at once, 0 to 65,535; 0 means no limit. */
  readonly prefetch: number;
  /** Nobody else may consume meanwhile; refused when somebody does. Default `false`. */
  readonly exclusive?: boolean;
  /** The broker forgets messages as it sends them. Default `false`. */
  readonly noAck?: boolean;
  /** Arguments of the consumer, such as `x-stream-offset`. Default: none. */
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/** What comes in at a consumer of a session. None may throw. */
export interface SessionSink {
  delivered(delivery: Delivery): void;
  /** No more will come: the broker cancelled the consumer, or its channel or connection is gone. */
  ended(error: Error | undefined): void;
}

/** A consumer of a session. */
export interface SessionConsumer {
  readonly isOpen: boolean;
  /** Takes nothing more; what came can still be settled. Never rejects. */
  cancel(): Promise<void>;
  /**
   * Gives back all that is not settled, by one `basic.nack`, to be called last. A quorum queue takes it a while later: a channel that is
   * closed before has failed with its deliveries, which counts. Answers `false` when the channel is gone.
   */
  giveBackAll(): boolean;
  /** Closes its channel behind what was settled on it: the broker takes back what was not. Never rejects. */
  close(): Promise<void>;
}

const ANSWER_MS = 10_000;
const MOST_ARGUMENTS = 24;

/**
 * One AMQP connection for a person who looks after queues: it does not come back when it is lost, and every call says what the
 * broker answered. Applications use {@link AmqplibTransport}. Every wait is bounded, by 10 s where nothing else is said.
 */
export class BrokerSession {
  readonly #link: Link;
  readonly #clock: Clock;
  #channel: Promise<Channel> | undefined;
  #serial = 0;
  #before: Promise<void> = Promise.resolve();

  private constructor(link: Link, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  /**
   * Opens it at the first host that answers, each tried once.
   * @throws {ConfigurationError} for options that are none
   * @throws {LeveretError} LEV_CONNECTION_FAILED, LEV_AUTHENTICATION_REFUSED
   */
  static async open(options: ConnectionOptions = {}, clock: Clock = systemClock): Promise<BrokerSession> {
    const resolved = resolveConnectionOptions(options);
    const attempts = new ConnectionAttempts(
      resolved,
      resolved.name,
      {
        starting: () => true,
        prepare: async () => {},
        hostFailed: () => {},
        secretNotRenewed: () => {},
        linkEvents: () => ({ ended: () => {}, blocked: () => {}, unblocked: () => {} }),
      },
      clock,
    );
    return new BrokerSession(await attempts.round(new AbortController().signal), clock);
  }

  get broker(): BrokerFacts {
    return this.#link.facts;
  }

  /** Channels that one connection may have open at once; `undefined` for no limit. */
  get channelMax(): number | undefined {
    return this.#link.channelMax;
  }

  get isOpen(): boolean {
    return !this.#link.ended;
  }

  /** A resource alarm: the broker reads nothing more from this connection once something was published on it. */
  get blocked(): boolean {
    return this.#link.blocked;
  }

  /** Calls back when the connection has ended; at once when it has already. The result takes the listener away. */
  onEnd(listener: () => void): () => void {
    return this.#link.onEnd(listener);
  }

  /** How full a queue is; `undefined` when it is not there. */
  async queue(name: string): Promise<QueueState | undefined> {
    try {
      const { messageCount, consumerCount } = await this.#ask((channel) => channel.checkQueue(name));
      return { messages: messageCount, consumers: consumerCount };
    } catch (error) {
      if (brokerReply(error)?.code === 404) return undefined;
      throw told(error);
    }
  }

  /** Whether an exchange is there. */
  async exchangeExists(name: string): Promise<boolean> {
    try {
      await this.#ask((channel) => channel.checkExchange(name));
      return true;
    } catch (error) {
      if (brokerReply(error)?.code === 404) return false;
      throw told(error);
    }
  }

  /**
   * The properties and arguments of a queue that is there, learned from what the broker says when it is declared differently:
   * one question for each argument. `undefined` when the queue is not there, is exclusive elsewhere, or has an argument that no
   * text tells, such as a table.
   * @throws {Error} when the broker does not answer, or has another reason to refuse
   */
  async learnQueue(name: string): Promise<DeclaredQueue | undefined> {
    try {
      await this.#ask((channel) => channel.checkQueue(name));
    } catch (error) {
      const reply = brokerReply(error);
      if (reply?.code === 404 || reply?.code === 405) return undefined;
      throw told(error);
    }
    let guess: DeclaredQueue = { durable: true, autoDelete: false, arguments: {} };
    for (let round = 0; round < MOST_ARGUMENTS; round++) {
      try {
        // Not passive: a passive declaration compares nothing.
        await this.#ask((channel) => channel.assertQueue(name, { ...guess, arguments: { ...guess.arguments } }));
        return guess;
      } catch (error) {
        const reply = brokerReply(error);
        if (reply === undefined) throw error;
        const better = betterGuess(guess, reply);
        if (better === undefined) return undefined;
        guess = better;
      }
    }
    return undefined;
  }

  /**
   * Declares a queue.
   * @throws {LeveretError} LEV_CHANNEL_CLOSED with the broker's words, as for one that is there with other properties
   */
  async declareQueue(
    name: string,
    options: { durable?: boolean; exclusive?: boolean; autoDelete?: boolean; arguments?: Record<string, unknown> } = {},
  ): Promise<QueueState & { readonly name: string }> {
    const { queue, messageCount, consumerCount } = await this.#answer((channel) =>
      channel.assertQueue(name, { durable: true, ...options }),
    );
    return { name: queue, messages: messageCount, consumers: consumerCount };
  }

  /** @throws {LeveretError} LEV_CHANNEL_CLOSED with the broker's words */
  async declareExchange(
    name: string,
    type: string,
    options: {
      durable?: boolean;
      autoDelete?: boolean;
      internal?: boolean;
      arguments?: Record<string, unknown>;
    } = {},
  ): Promise<void> {
    await this.#answer((channel) => channel.assertExchange(name, type, { durable: true, ...options }));
  }

  /** @throws {LeveretError} LEV_CHANNEL_CLOSED with the broker's words */
  async bindQueue(
    queue: string,
    exchange: string,
    routingKey: string,
    args: Record<string, unknown> = {},
  ): Promise<void> {
    await this.#answer((channel) => channel.bindQueue(queue, exchange, routingKey, args));
  }

  /** @throws {LeveretError} LEV_CHANNEL_CLOSED with the broker's words */
  async unbindQueue(
    queue: string,
    exchange: string,
    routingKey: string,
    args: Record<string, unknown> = {},
  ): Promise<void> {
    await this.#answer((channel) => channel.unbindQueue(queue, exchange, routingKey, args));
  }

  /** @throws {LeveretError} LEV_CHANNEL_CLOSED with the broker's words */
  async bindExchange(
    destination: string,
    source: string,
    routingKey: string,
    args: Record<string, unknown> = {},
  ): Promise<void> {
    await this.#answer((channel) => channel.bindExchange(destination, source, routingKey, args));
  }

  /**
   * Deletes a queue. One that is not there is no fault. Quorum queues know neither `ifEmpty` nor `ifUnused`: RabbitMQ ends the
   * connection over them.
   * @throws {LeveretError} LEV_CHANNEL_CLOSED when it is not empty or in use although it was to be, or may not be deleted
   */
  async deleteQueue(
    name: string,
    only: { readonly ifEmpty?: boolean; readonly ifUnused?: boolean } = {},
  ): Promise<void> {
    await this.#answer((channel) => channel.deleteQueue(name, only));
  }

  /** Deletes an exchange with its bindings. One that is not there is no fault. */
  async deleteExchange(name: string): Promise<void> {
    await this.#answer((channel) => channel.deleteExchange(name));
  }

  /**
   * Consumes on a channel of its own.
   * @throws {LeveretError} LEV_CHANNEL_CLOSED with the broker's words: no such queue, no permission, in use by another
   */
  async consume(queue: string, options: SessionConsumeOptions, sink: SessionSink): Promise<SessionConsumer> {
    const { prefetch, exclusive = false, noAck = false, arguments: args = {} } = options;
    const link = this.#link;
    const channel = await link.openChannel(ANSWER_MS);
    const consumer = new ConsumerChannel(
      channel,
      queue,
      {
        delivered: (_channel, delivery) => sink.delivered(delivery),
        cancelled: () => sink.ended(undefined),
        ended: (_channel, error) => sink.ended(error ?? link.error),
        flush: () => link.flush(),
      },
      this.#clock,
    );
    const request = {
      queue,
      prefetch,
      noAck,
      exclusive,
      priority: undefined,
      arguments: args,
      messagesPerAck: 64,
      tagPrefix: 'leveret',
      missingQueue: 'fail' as const,
    };
    try {
      await consumer.consume(request, prefetch, `leveret-ops-${process.pid}-${++this.#serial}`);
    } catch (error) {
      await consumer.close(ANSWER_MS);
      throw told(consumer.error ?? error);
    }
    return {
      get isOpen() {
        return consumer.isOpen;
      },
      cancel: () => consumer.cancel(ANSWER_MS),
      giveBackAll: () => {
        const isSent = consumer.giveBackAll();
        link.flush();
        return isSent;
      },
      close: () => consumer.close(ANSWER_MS),
    };
  }

  /** Opens a channel to publish on, in confirm mode. */
  async openPublishChannel(): Promise<PublishChannel> {
    const channel = await this.#link.openConfirmChannel(ANSWER_MS);
    return new AmqplibPublishChannel(channel, true, this.#link, this.#clock);
  }

  /** Closes the connection, politely within 5 s. Never rejects. */
  async close(): Promise<void> {
    await this.#link.close(ANSWER_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #answer<T>(question: (channel: Channel) => PromiseLike<T>): Promise<T> {
    try {
      return await this.#ask(question);
    } catch (error) {
      throw told(error);
    }
  }

  /** One question after another: a refusal closes the channel, and with it whatever else is asked there. */
  #ask<T>(question: (channel: Channel) => PromiseLike<T>): Promise<T> {
    const answer = this.#before.then(() => this.#askNow(question));
    this.#before = answer.then(
      () => {},
      () => {},
    );
    return answer;
  }

  async #askNow<T>(question: (channel: Channel) => PromiseLike<T>): Promise<T> {
    this.#channel ??= this.#link.openChannel(ANSWER_MS);
    const opening = this.#channel;
    const channel = await opening.catch((error: unknown) => {
      this.#channel = undefined;
      throw error;
    });
    let forget = () => {};
    // amqplib's promise does not settle when the connection ends first.
    const lost = new Promise<never>((_resolve, reject) => {
      forget = this.#link.onEnd(() => reject(this.#link.error ?? new Error('The connection ended.')));
    });
    try {
      return await within(this.#clock, ANSWER_MS, Promise.race([question(channel), lost]), () => {
        throw new Error(`the broker did not answer within ${ANSWER_MS} ms`);
      });
    } catch (error) {
      if (this.#channel === opening) this.#channel = undefined;
      throw error;
    } finally {
      forget();
    }
  }
}

/**
 * Publishes one message on a channel and resolves with what the broker answered. Never rejects because of the broker.
 * @throws {TypeError|RangeError} when the message cannot be encoded; nothing was sent
 */
export function publishOn(channel: PublishChannel, publication: Publication): Promise<PublishOutcome> {
  return new Promise((resolve) => {
    channel.publish(publication, resolve);
  });
}

/** The same with what the broker says about the first thing that differs; `undefined` when it says nothing of use. */
function betterGuess(guess: DeclaredQueue, reply: BrokerReply): DeclaredQueue | undefined {
  const mismatch = reply.code === 406 ? parseMismatch(reply.text) : undefined;
  if (mismatch === undefined) return undefined;
  const { argument, current } = mismatch;
  if (argument === 'durable') return { ...guess, durable: !guess.durable };
  if (argument === 'auto_delete') return { ...guess, autoDelete: !guess.autoDelete };
  if (current === undefined || Object.hasOwn(guess.arguments, argument)) return undefined;
  const value = readArgument(reply.text, current);
  return value === undefined ? undefined : { ...guess, arguments: { ...guess.arguments, [argument]: value } };
}

/** Arguments that are text, numbers or flags: the broker names the type behind the value, but for the type of a queue from 4.3 on. */
function readArgument(text: string, value: string): unknown {
  const type = /but current is the value '[\s\S]*' of type '([^']*)'$/.exec(text)?.[1];
  if (type === 'longstr' || /but current is '[^']*'$/.test(text)) return value;
  if (type === 'bool') return value === 'true';
  return /^-?\d+$/.test(value) ? Number(value) : undefined;
}

/** With the broker's words where it said any. */
function told(error: unknown): Error {
  const asError = error instanceof Error ? error : new Error(String(error));
  return brokerReply(error) === undefined ? asError : channelClosedError(asError);
}
