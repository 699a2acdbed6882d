import { randomBytes } from 'node:crypto';
import { type Channel, type ChannelModel, connect } from 'amqplib';

/** A name that no other test uses. */
export function uniqueName(base: string): string {
  return `leveret.test.${base}.${randomBytes(4).toString('hex')}`;
}

/** Looks at the broker from outside, past everything under test, and cleans up what a test left. */
export class BrokerAdmin {
  readonly #model: ChannelModel;
  readonly #queues = new Set<string>();
  readonly #exchanges = new Set<string>();

  private constructor(model: ChannelModel) {
    this.#model = model;
    model.on('error', () => {});
  }

  static async connect(url: string): Promise<BrokerAdmin> {
    return new BrokerAdmin(await connect(url));
  }

  /** A name for a queue, deleted at the end whether it was made or not. */
  queueName(base: string): string {
    const name = uniqueName(base);
    this.#queues.add(name);
    return name;
  }

  /** A name for an exchange, deleted at the end whether it was made or not. */
  exchangeName(base: string): string {
    const name = uniqueName(base);
    this.#exchanges.add(name);
    return name;
  }

  /** Does something on a channel of its own. */
  async on<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.#model.createChannel();
    channel.on('error', () => {});
    let closed = false;
    channel.once('close', () => {
      closed = true;
    });
    try {
      return await work(channel);
    } finally {
      if (!closed) await channel.close();
    }
  }

  async makeQueue(name: string, options = {}): Promise<string> {
    await this.on((channel) => channel.assertQueue(name, options));
    return name;
  }

  async send(queue: string, ...bodies: readonly string[]): Promise<void> {
    const channel = await this.#model.createConfirmChannel();
    for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body), { messageId: body });
    await channel.waitForConfirms();
    await channel.close();
  }

  deleteQueue(name: string): Promise<unknown> {
    return this.on((channel) => channel.deleteQueue(name));
  }

  /** Messages ready in a queue; `undefined` when there is no such queue. */
  async ready(name: string): Promise<number | undefined> {
    try {
      return (await this.on((channel) => channel.checkQueue(name))).messageCount;
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    await this.on(async (channel) => {
      for (const name of this.#queues) await channel.deleteQueue(name);
      for (const name of this.#exchanges) await channel.deleteExchange(name);
    });
    await this.#model.close();
  }
}
