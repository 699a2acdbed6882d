import { VirtualClock } from '../clock/virtual-clock.js';
import { Message } from '../queue/message.js';
import type { Queue, QueueConsumer, QueueConsumerOwner } from '../queue/queue.js';
import type { BrokerVersion } from '../version/version-profile.js';
import { versionProfile } from '../version/version-profile.js';
import { VirtualHost } from '../vhost/virtual-host.js';
import { type DecodedProperties, encodeProperties } from '../wire/properties.js';
import { table } from './raw-client.support.test.js';

/** A message as a client would have sent it. */
export function aMessage(body: string, properties: DecodedProperties = {}, exchange = '', routingKey = 'q'): Message {
  const bytes = encodeProperties(properties);
  const bodyBytes = Buffer.from(body);
  const message = new Message(exchange, routingKey, bytes, 0, bytes.length, bodyBytes, 0, bodyBytes.length);
  const { priority, delivery_mode: deliveryMode } = properties;
  message.describe(deliveryMode === 2, priority === undefined ? -1 : Number(priority));
  return message;
}

export function bodyOf(message: Message | undefined): string {
  if (message === undefined) return 'nothing';
  return message.bodyBytes.toString('utf8', message.bodyStart, message.bodyEnd);
}

/** A receiver without a socket: it keeps what it is handed. */
export class Receiver implements QueueConsumerOwner {
  writable = true;
  hasSharedCredit = true;
  readonly log: string[];
  readonly held: { consumer: QueueConsumer; message: Message }[] = [];
  readonly cancelledTags: string[] = [];

  constructor(log: string[] = []) {
    this.log = log;
  }

  deliver(consumer: QueueConsumer, message: Message): void {
    this.log.push(`${consumer.tag}:${bodyOf(message)}${message.redelivered ? 'R' : ''}`);
    if (!consumer.noAck) this.held.push({ consumer, message });
  }

  cancelled(consumer: QueueConsumer): void {
    this.cancelledTags.push(consumer.tag);
  }

  /** Acknowledges the message with this body. */
  ack(body: string): void {
    const { consumer, message } = this.#take(body);
    consumer.queue.ack(message);
    consumer.unacked--;
    consumer.queue.wake(consumer);
  }

  /** Gives messages back, as one nack would. */
  requeue(...bodies: string[]): void {
    const taken = bodies.map((body) => this.#take(body));
    const [first] = taken;
    if (first === undefined) return;
    for (const { consumer } of taken) {
      consumer.unacked--;
      consumer.queue.rejoin(consumer);
    }
    const messages = taken.map(({ message }) => message);
    first.consumer.queue.requeue(messages, 'nack');
  }

  #take(body: string): { consumer: QueueConsumer; message: Message } {
    const index = this.held.findIndex(({ message }) => bodyOf(message) === body);
    const [taken] = this.held.splice(index, 1);
    if (index < 0 || taken === undefined) throw new Error(`${body} is not held`);
    return taken;
  }
}

/** A virtual host on a clock that stands still, with shorthands for tests of queues. */
export class QueueBench {
  readonly clock = new VirtualClock({ running: false, startAt: 1_700_000_000_000 });
  readonly vhost: VirtualHost;
  readonly owner = {};

  constructor(version: BrokerVersion = '4.3') {
    this.vhost = new VirtualHost('/', this.clock, versionProfile(version));
  }

  queue(name: string, queueArguments: Record<string, unknown> = {}, durable = true): Queue {
    const wanted = { durable, exclusive: false, autoDelete: false, arguments: table(queueArguments) };
    return this.vhost.queues.declare(name, wanted, this.owner);
  }

  /** Publishes through the default exchange; `false` when refused. */
  publish(queue: string, body: string, properties: DecodedProperties = {}): boolean {
    const { expiration } = properties;
    const ttlMs = expiration === undefined ? undefined : Number(expiration);
    const message = aMessage(body, properties, '', queue);
    return !this.vhost.publish(this.vhost.exchanges.require(''), message, [queue], ttlMs).refused;
  }

  consume(
    queue: Queue,
    tag: string,
    owner: QueueConsumerOwner,
    options: { prefetch?: number; priority?: number; noAck?: boolean; exclusive?: boolean } = {},
  ): QueueConsumer {
    const { prefetch = 0, priority = 0, noAck = false, exclusive = false } = options;
    const consumer = queue.consume({ tag, queue, owner, noAck, exclusive, priority, prefetch, arguments: [] });
    queue.startDelivering();
    return consumer;
  }

  /** Bodies of the ready messages, with R for redelivered. */
  ready(name: string): string[] {
    const messages = [...(this.vhost.queue(name)?.readyMessages ?? [])];
    return messages.map((message) => `${bodyOf(message)}${message.redelivered ? 'R' : ''}`);
  }
}
