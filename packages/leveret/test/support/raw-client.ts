import { type Channel, type ChannelModel, type ConfirmChannel, connect, type GetMessage, type Options } from 'amqplib';
import { eventually } from './eventually.js';

/** What a test says of a message it sends. */
export interface SendOptions extends Options.Publish {
  /** Default the JSON of the value, as `application/json`. */
  readonly body?: Buffer;
}

/** A message as it lies on a queue. */
export interface Parked {
  readonly body: Buffer;
  readonly text: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly properties: GetMessage['properties'];
}

/** Looks at queues from the outside, past leveret: amqplib by hand. */
export class RawClient implements AsyncDisposable {
  readonly #model: ChannelModel;
  readonly #publishing: ConfirmChannel;

  private constructor(model: ChannelModel, publishing: ConfirmChannel) {
    this.#model = model;
    this.#publishing = publishing;
  }

  static async connect(url: string): Promise<RawClient> {
    const model = await connect(url, { clientProperties: { connection_name: 'test: raw client' } });
    model.on('error', () => undefined);
    const publishing = await model.createConfirmChannel();
    publishing.on('error', () => undefined);
    return new RawClient(model, publishing);
  }

  /** A channel for whatever the methods below do not cover. Its errors do not end the connection. */
  async channel(): Promise<Channel> {
    const channel = await this.#model.createChannel();
    channel.on('error', () => undefined);
    return channel;
  }

  /** Runs on a channel of its own, so that a 404 or 406 hurts nobody else. */
  async once<T>(run: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.channel();
    try {
      return await run(channel);
    } finally {
      await channel.close().catch(() => undefined);
    }
  }

  async declare(queue: string, options: Options.AssertQueue = {}): Promise<string> {
    await this.once((channel) => channel.assertQueue(queue, options));
    return queue;
  }

  /** A dead letter exchange (fanout) with its queue. Resolves with the arguments that send a queue's dead letters there. */
  async declareDeadLetters(name: string): Promise<{ readonly queue: string; readonly arguments: Options.AssertQueue }> {
    const queue = `${name}.dead`;
    await this.once(async (channel) => {
      await channel.assertExchange(`${name}.dlx`, 'fanout');
      await channel.assertQueue(queue);
      await channel.bindQueue(queue, `${name}.dlx`, '');
    });
    return { queue, arguments: { deadLetterExchange: `${name}.dlx` } };
  }

  async deleteQueue(queue: string): Promise<void> {
    await this.once((channel) => channel.deleteQueue(queue));
  }

  /** To a queue, by the default exchange. Resolves when the broker has it. */
  send(queue: string, value: unknown, options?: SendOptions): Promise<void> {
    return this.publish('', queue, value, options);
  }

  async publish(exchange: string, routingKey: string, value: unknown, options: SendOptions = {}): Promise<void> {
    const { body, ...properties } = options;
    await new Promise<void>((resolve, reject) => {
      this.#publishing.publish(
        exchange,
        routingKey,
        body ?? Buffer.from(JSON.stringify(value)),
        { contentType: 'application/json', persistent: true, ...properties },
        (error) => (error ? reject(error) : resolve()),
      );
    });
  }

  /** Takes the first message off a queue, if there is one. */
  take(queue: string): Promise<Parked | undefined> {
    return this.once(async (channel) => {
      const message = await channel.get(queue, { noAck: true });
      return message === false ? undefined : parked(message);
    });
  }

  /** Takes the first message off a queue, waiting for one. */
  arrived(queue: string, limitMs?: number): Promise<Parked> {
    return eventually(`a message on ${queue}`, () => this.take(queue), limitMs);
  }

  /** Takes all that is ready. */
  async takeAll(queue: string): Promise<readonly Parked[]> {
    const all: Parked[] = [];
    for (let next = await this.take(queue); next !== undefined; next = await this.take(queue)) all.push(next);
    return all;
  }

  /** Messages that are ready; `undefined` when there is no such queue. */
  ready(queue: string): Promise<number | undefined> {
    return this.once(async (channel) => (await channel.checkQueue(queue)).messageCount).catch(() => undefined);
  }

  /** Consumers of a queue; `undefined` when there is no such queue. */
  consumers(queue: string): Promise<number | undefined> {
    return this.once(async (channel) => (await channel.checkQueue(queue)).consumerCount).catch(() => undefined);
  }

  async exchangeExists(exchange: string): Promise<boolean> {
    return this.once((channel) => channel.checkExchange(exchange)).then(
      () => true,
      () => false,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model.close().catch(() => undefined);
  }
}

function parked(message: GetMessage): Parked {
  const { fields, properties, content } = message;
  return {
    body: content,
    text: content.toString(),
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    redelivered: fields.redelivered,
    headers: properties.headers ?? {},
    properties,
  };
}
