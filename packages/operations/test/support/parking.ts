import { OperationsSession } from '@leveret/operations';
import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib';
import type { SuiteNode } from '../../../../tools/scripts/each-broker.mjs';

/** The kinds of queues that messages are parked in. */
export const KINDS: ReadonlyMap<string, Record<string, unknown>> = new Map([
  ['classic', {}],
  ['quorum', { 'x-queue-type': 'quorum' }],
  ['quorum with a delivery limit', { 'x-queue-type': 'quorum', 'x-delivery-limit': 3 }],
]);

/** A session with a node, through its management API where it has one. */
export function sessionOn({ url, managementUrl }: SuiteNode): Promise<OperationsSession> {
  return OperationsSession.connect({ connection: { urls: url }, management: { url: managementUrl } });
}

/** A look at queues from the outside, past leveret. */
export class Outside {
  readonly #connection: ChannelModel;
  readonly channel: ConfirmChannel;
  readonly #prefix = `ops-${process.pid}-${Date.now()}-`;
  readonly #queues: string[] = [];

  private constructor(connection: ChannelModel, channel: ConfirmChannel) {
    this.#connection = connection;
    this.channel = channel;
  }

  static async open(url: string): Promise<Outside> {
    const connection = await connect(url);
    return new Outside(connection, await connection.createConfirmChannel());
  }

  /** Declares a queue under a name of its own. */
  async queue(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const queue = this.#prefix + name.replaceAll(' ', '-');
    await this.channel.assertQueue(queue, { durable: true, arguments: args });
    this.#queues.push(queue);
    return queue;
  }

  /** Messages as leveret parks them: numbers are their ids, in five groups. */
  async park(queue: string, count: number, failedIn: string, from = 1): Promise<void> {
    for (let id = from; id < from + count; id++) {
      const headers = {
        'x-original-exchange': 'orders',
        'x-original-routingKey': 'order.paid',
        'x-leveret-listener': 'Orders.onPaid',
        'x-leveret-service': 'trade',
        'x-leveret-queue': failedIn,
        'x-leveret-attempts': 3,
        'x-leveret-reason': 'exhausted',
        'x-leveret-first-failed-at': new Date(1_700_000_000_000 + id * 1000).toISOString(),
        'x-leveret-last-failed-at': new Date(1_700_000_010_000 + id * 1000).toISOString(),
        'x-leveret-error-name': 'Error',
        'x-leveret-fingerprint': `000000000000000${id % 5}`,
        'x-exception-message': `order ${id} is no order`,
        'x-tenant': 'acme',
      };
      this.channel.sendToQueue(queue, Buffer.from(JSON.stringify({ id })), {
        persistent: true,
        contentType: 'application/json',
        messageId: String(id),
        headers,
      });
    }
    await this.channel.waitForConfirms();
  }

  /** Takes everything that comes within a while of quiet, and acknowledges it. */
  async takeAll(queue: string): Promise<readonly ConsumeMessage[]> {
    const channel = await this.#connection.createChannel();
    const taken: ConsumeMessage[] = [];
    let quietSince = Date.now();
    await channel.consume(queue, (message) => {
      if (message === null) return;
      taken.push(message);
      quietSince = Date.now();
    });
    while (Date.now() - quietSince < 300) await new Promise((resolve) => setTimeout(resolve, 20));
    if (taken.length > 0) channel.ackAll();
    await channel.close();
    return taken;
  }

  async count(queue: string): Promise<number> {
    return (await this.channel.checkQueue(queue)).messageCount;
  }

  /** Closes a consumer with everything in hand, as a process does that is killed while it looks. */
  async takeAndDie(queue: string): Promise<void> {
    const channel = await this.#connection.createChannel();
    await channel.consume(queue, () => {});
    await new Promise((resolve) => setTimeout(resolve, 150));
    await channel.close();
  }

  async close(): Promise<void> {
    for (const queue of this.#queues) await this.channel.deleteQueue(queue);
    await this.#connection.close();
  }
}

export function ids(messages: readonly ConsumeMessage[]): readonly unknown[] {
  return messages.map(({ properties }) => properties.messageId);
}

/** The numbers from 1 on, as ids. */
export function upTo(count: number, from = 1): readonly string[] {
  return Array.from({ length: count }, (_, index) => String(from + index));
}
