import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib';
import { until } from './page-client.js';

/** A kind of failure, as leveret writes it into the headers of what it parks. */
export interface FailureKind {
  readonly fingerprint: string;
  readonly errorName: string;
  readonly errorMessage: string;
  readonly listener: string;
  readonly service: string;
}

const KINDS: readonly (readonly [errorName: string, errorMessage: string, listener: string, service: string])[] = [
  [
    'CardDeclinedError',
    'the issuer declined the card: insufficient funds',
    'PayStatusListener.onPaySucceeded',
    'trade',
  ],
  ['TypeError', "Cannot read properties of undefined (reading 'amount')", 'InvoiceListener.onOrder', 'billing'],
  [
    'ConnectTimeoutError',
    'no connection to warehouse.internal:8443 within 3000 ms',
    'StockListener.onReserved',
    'stock',
  ],
  ['InvalidMessageError', 'orderId must be an integer number', 'PayStatusListener.onPaySucceeded', 'trade'],
  ['LockTimeoutError', 'lock on orders.17 was not granted within 5 s', 'InvoiceListener.onOrder', 'billing'],
];

/** Five kinds. */
export const FAILURE_KINDS: readonly FailureKind[] = KINDS.map(
  ([errorName, errorMessage, listener, service], index) => ({
    ...{ errorName, errorMessage, listener, service },
    fingerprint: `${index + 1}f9a0c1b7d2e45f${index}`,
  }),
);

const STACK = [
  'at PaymentGateway.charge (/app/src/payment/gateway.ts:84:13)',
  'at async PayStatusListener.onPaySucceeded (/app/src/payment/pay-status-listener.ts:31:5)',
];

/** A message to be parked. */
export interface Parking {
  readonly id: string;
  readonly kind: FailureKind;
  /** Where it failed. */
  readonly failedIn: string;
  readonly body?: Buffer | string;
  readonly contentType?: string;
  readonly failedAt?: number;
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** Error queues and what is in them, from the outside, past leveret. */
export class FailedMessages {
  readonly #connection: ChannelModel;
  readonly channel: ConfirmChannel;
  readonly #prefix: string;
  readonly #queues: string[] = [];

  private constructor(connection: ChannelModel, channel: ConfirmChannel, prefix: string) {
    this.#connection = connection;
    this.channel = channel;
    this.#prefix = prefix;
  }

  /** @param prefix before the name of each queue: others may share the broker */
  static async open(url: string, prefix = `page-${process.pid}-${Date.now()}-`): Promise<FailedMessages> {
    const connection = await connect(url);
    return new FailedMessages(connection, await connection.createConfirmChannel(), prefix);
  }

  async queue(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const queue = this.#prefix + name;
    await this.channel.assertQueue(queue, { durable: true, arguments: args });
    this.#queues.push(queue);
    return queue;
  }

  async park(queue: string, messages: readonly Parking[]): Promise<void> {
    for (const message of messages) this.#park(queue, message);
    await this.channel.waitForConfirms();
  }

  #park(
    queue: string,
    { id, kind, failedIn, body, contentType = 'application/json', failedAt = Date.now(), headers }: Parking,
  ): void {
    const content = body ?? JSON.stringify({ orderId: Number(id), amount: 19.9, currency: 'EUR' });
    this.channel.sendToQueue(queue, Buffer.from(content), {
      ...{ persistent: true, contentType, messageId: id },
      headers: {
        'x-original-exchange': 'orders',
        'x-original-routingKey': 'order.paid',
        'x-leveret-listener': kind.listener,
        'x-leveret-service': kind.service,
        'x-leveret-queue': failedIn,
        'x-leveret-attempts': 3,
        'x-leveret-reason': 'exhausted',
        'x-leveret-first-failed-at': new Date(failedAt - 7000).toISOString(),
        'x-leveret-last-failed-at': new Date(failedAt).toISOString(),
        'x-leveret-error-name': kind.errorName,
        'x-leveret-fingerprint': kind.fingerprint,
        'x-exception-message': kind.errorMessage,
        'x-exception-stacktrace': [`${kind.errorName}: ${kind.errorMessage}`, ...STACK].join('\n    '),
        'x-tenant': 'acme',
        ...headers,
      },
    });
  }

  /** Takes everything that comes within a while of quiet, and acknowledges it. */
  async takeAll(queue: string): Promise<readonly ConsumeMessage[]> {
    const channel = await this.#connection.createChannel();
    const taken: ConsumeMessage[] = [];
    let quietSince = performance.now();
    await channel.consume(queue, (message) => {
      if (message === null) return;
      taken.push(message);
      quietSince = performance.now();
    });
    while (performance.now() - quietSince < 300) await new Promise((resolve) => setTimeout(resolve, 20));
    if (taken.length > 0) channel.ackAll();
    await channel.close();
    return taken;
  }

  async count(queue: string): Promise<number> {
    return (await this.channel.checkQueue(queue)).messageCount;
  }

  /** Waits until so many are in a queue: while a page looks at them, they are in its hand. */
  async untilCount(queue: string, count: number): Promise<void> {
    await until(`${count} in ${queue}`, async () => (await this.count(queue)) === count, 10_000);
  }

  async close(): Promise<void> {
    for (const queue of this.#queues) await this.channel.deleteQueue(queue);
    await this.#connection.close();
  }
}
