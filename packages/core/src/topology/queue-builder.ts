import type { Duration } from '../time/duration.js';
import { generatedQueueName } from './generated-queue-name.js';
import type { QueueOptions } from './queue-options.js';
import type { TopologyArguments } from './topology.js';

/**
 * Builds {@link QueueOptions} step by step, in the words of Spring AMQP:
 * `QueueBuilder.durable('lazy.queue').lazy().build()`. A builder can be given wherever options can.
 * Every step changes the builder and returns it. Nothing is checked here: faults are listed at start.
 */
export class QueueBuilder {
  #options: QueueOptions;

  private constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** A queue that survives a restart of the broker. Without a name, one is generated. */
  static durable(name: string = generatedQueueName()): QueueBuilder {
    return new QueueBuilder({ name, durable: true });
  }

  /** A queue that is gone after a restart of the broker. Without a name, one is generated. */
  static nonDurable(name: string = generatedQueueName()): QueueBuilder {
    return new QueueBuilder({ name, durable: false });
  }

  /** A queue of this process alone, under a generated name: exclusive, auto-delete, not durable. */
  static anonymous(): QueueBuilder {
    return new QueueBuilder({ anonymous: true });
  }

  /** Only this connection may use it. */
  exclusive(): this {
    return this.#with({ exclusive: true });
  }

  /** Deleted when its last consumer leaves. */
  autoDelete(): this {
    return this.#with({ autoDelete: true });
  }

  classic(): this {
    return this.#with({ type: 'classic' });
  }

  quorum(): this {
    return this.#with({ type: 'quorum' });
  }

  stream(): this {
    return this.#with({ type: 'stream' });
  }

  /** Keeps messages on disk (`x-queue-mode=lazy`, for brokers before 3.12). */
  lazy(): this {
    return this.#with({ lazy: true });
  }

  /** How long a message may wait. */
  ttl(ttl: Duration): this {
    return this.#with({ messageTtl: ttl });
  }

  /** How long the queue may be unused before the broker deletes it. */
  expires(expires: Duration): this {
    return this.#with({ expires });
  }

  maxLength(messages: number): this {
    return this.#with({ maxLength: messages });
  }

  maxLengthBytes(bytes: number): this {
    return this.#with({ maxLengthBytes: bytes });
  }

  /** What happens when the queue is full. */
  overflow(overflow: NonNullable<QueueOptions['overflow']>): this {
    return this.#with({ overflow });
  }

  /** Where rejected, expired and displaced messages go. The exchange is not declared by naming it. */
  deadLetterExchange(exchange: string): this {
    return this.#with({ deadLetterExchange: exchange });
  }

  deadLetterRoutingKey(routingKey: string): this {
    return this.#with({ deadLetterRoutingKey: routingKey });
  }

  /** Quorum queues: how dead letters are handed over. */
  deadLetterStrategy(strategy: NonNullable<QueueOptions['deadLetterStrategy']>): this {
    return this.#with({ deadLetterStrategy: strategy });
  }

  /** Classic queues: highest message priority, 1 to 255. */
  maxPriority(priority: number): this {
    return this.#with({ maxPriority: priority });
  }

  singleActiveConsumer(): this {
    return this.#with({ singleActiveConsumer: true });
  }

  /** Quorum queues: deliveries that may fail before a message is dead-lettered. */
  deliveryLimit(limit: number): this {
    return this.#with({ deliveryLimit: limit });
  }

  /** Node that leads a new quorum queue or stream. */
  leaderLocator(locator: NonNullable<QueueOptions['leaderLocator']>): this {
    return this.#with({ leaderLocator: locator });
  }

  withArgument(name: string, value: unknown): this {
    return this.withArguments({ [name]: value });
  }

  withArguments(more: TopologyArguments): this {
    return this.#with({ arguments: { ...this.#options.arguments, ...more } });
  }

  /** The options so far. */
  build(): QueueOptions {
    return this.#options;
  }

  #with(more: QueueOptions): this {
    this.#options = { ...this.#options, ...more };
    return this;
  }
}
