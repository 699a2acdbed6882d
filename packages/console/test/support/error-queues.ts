import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib';

/** The types of queues that messages are parked in. */
export const TYPES: readonly string[] = ['classic', 'quorum'];

/** Queues with parked messages, from the outside, past leveret. */
export class ErrorQueues {
  readonly channel: ConfirmChannel;
  readonly #connection: ChannelModel;
  readonly #names: string[] = [];
  static #serial = 0;

  private constructor(connection: ChannelModel, channel: ConfirmChannel) {
    this.#connection = connection;
    this.channel = channel;
  }

  static async open(url: string): Promise<ErrorQueues> {
    const connection = await connect(url);
    return new ErrorQueues(connection, await connection.createConfirmChannel());
  }

  /** Declares a queue under a name of its own. */
  async declare(name: string, type = 'classic'): Promise<string> {
    const queue = `console-${process.pid}-${++ErrorQueues.#serial}-${name}`;
    await this.channel.assertQueue(queue, {
      durable: true,
      arguments: type === 'classic' ? {} : { 'x-queue-type': type },
    });
    this.#names.push(queue);
    return queue;
  }

  /** Messages with the ids from..from+count-1, in five groups, as leveret parks them. */
  async park(
    queue: string,
    failedIn: string,
    count: number,
    from = 1,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    for (let id = from; id < from + count; id++) {
      this.channel.sendToQueue(queue, Buffer.from(JSON.stringify({ id, card: { number: `4111-${id}-1234` } })), {
        persistent: true,
        contentType: 'application/json',
        messageId: String(id),
        headers: {
          'x-original-exchange': 'orders',
          'x-original-routingKey': 'order.paid',
          'x-leveret-listener': 'Orders.onPaid',
          'x-leveret-queue': failedIn,
          'x-leveret-attempts': 3,
          'x-leveret-first-failed-at': new Date(1_700_000_000_000 + id * 1000).toISOString(),
          'x-leveret-last-failed-at': new Date(1_700_000_010_000 + id * 1000).toISOString(),
          'x-leveret-error-name': 'Error',
          'x-leveret-fingerprint': `000000000000000${id % 5}`,
          'x-exception-message': `card 4111-${id}-1234 was declined`,
          'x-tenant': 'acme',
          ...more,
        },
      });
    }
    await this.channel.waitForConfirms();
  }

  async count(queue: string): Promise<number> {
    return (await this.channel.checkQueue(queue)).messageCount;
  }

  /** Takes everything that comes within a while of quiet, and acknowledges it. */
  async takeAll(queue: string): Promise<readonly ConsumeMessage[]> {
    const channel = await this.#connection.createChannel();
    const taken: ConsumeMessage[] = [];
    let quietSince = performance.now();
    await channel.consume(queue, (message) => {
      if (message !== null) taken.push(message);
      quietSince = performance.now();
    });
    while (performance.now() - quietSince < 300) await new Promise((resolve) => setTimeout(resolve, 20));
    if (taken.length > 0) channel.ackAll();
    await channel.close();
    return taken;
  }

  async close(): Promise<void> {
    for (const queue of this.#names) await this.channel.deleteQueue(queue);
    await this.#connection.close();
  }
}

/** The ids of messages, as numbers. */
export function idsOf(messages: readonly ConsumeMessage[]): readonly number[] {
  return messages.map(({ properties }) => Number(properties.messageId));
}

/** The numbers from 1 on. */
export function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
