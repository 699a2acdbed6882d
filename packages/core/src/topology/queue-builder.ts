import { isRecord } from '../errors/check-option.js';
import type { Duration } from '../time/duration.js';
import { generatedQueueName } from './generated-queue-name.js';
import {
  type ClassicQueueOptions,
  type NonStreamQueueOptions,
  QUEUE_TYPES,
  type QueueOptions,
  type QuorumQueueOptions,
} from './queue-options.js';
import type { QueueType, TopologyArguments } from './topology.js';

/** The builder, when its queue may still be of one of `Allowed`; else the text says why the step does not compile. */
type While<Type extends QueueType, Allowed extends QueueType, Fault extends string> = [Type & Allowed] extends [never]
  ? Fault
  : QueueBuilder<Type>;

type NonStream = Exclude<QueueType, 'stream'>;
type NotOfStreams = 'this step is not for streams';

type Step = Partial<Omit<ClassicQueueOptions, 'type'> & Omit<QuorumQueueOptions, keyof ClassicQueueOptions>> & {
  readonly type?: QueueType;
};

/**
 * Builds {@link QueueOptions} step by step, in the words of Spring AMQP:
 * `QueueBuilder.durable('lazy.queue').lazy().build()`. A builder can be given wherever options can.
 * Every step changes the builder and returns it. What does not go with the steps before, such as `.quorum().lazy()`, does not
 * compile; further faults are listed at start.
 */
// biome-ignore lint/suspicious/noExplicitAny: a builder of any type of queue
export class QueueBuilder<Type extends QueueType = any> {
  /** The types that the queue may still be of. The compiler alone looks at it. */
  declare protected readonly mayBe: Type;
  #options: Step;

  private constructor(options: Step) {
    this.#options = options;
  }

  /** A queue that survives a restart of the broker. Without a name, one is generated. */
  static durable(name: string = generatedQueueName()): QueueBuilder<QueueType> {
    return new QueueBuilder({ name, durable: true });
  }

  /** A queue that is gone after a restart of the broker. Without a name, one is generated. */
  static nonDurable(name: string = generatedQueueName()): QueueBuilder<'classic'> {
    return new QueueBuilder({ name, durable: false });
  }

  /** A queue of this process alone, under a generated name: exclusive, auto-delete, not durable. */
  static anonymous(): QueueBuilder<'classic'> {
    return new QueueBuilder({ anonymous: true });
  }

  /** Only this connection may use it. */
  exclusive(this: While<Type, 'classic', 'exclusive() is for classic queues'>): QueueBuilder<'classic'> {
    return QueueBuilder.#add(this, { exclusive: true });
  }

  /** Deleted when its last consumer leaves. */
  autoDelete(this: While<Type, 'classic', 'autoDelete() is for classic queues'>): QueueBuilder<'classic'> {
    return QueueBuilder.#add(this, { autoDelete: true });
  }

  classic(
    this: While<Type, 'classic', 'classic() does not go with a step before it, which is for other types of queues'>,
  ): QueueBuilder<'classic'> {
    return QueueBuilder.#add(this, { type: 'classic' });
  }

  quorum(
    this: While<Type, 'quorum', 'quorum() does not go with a step before it, which is for other types of queues'>,
  ): QueueBuilder<'quorum'> {
    return QueueBuilder.#add(this, { type: 'quorum' });
  }

  stream(
    this: While<Type, 'stream', 'stream() does not go with a step before it, which is for other types of queues'>,
  ): QueueBuilder<'stream'> {
    return QueueBuilder.#add(this, { type: 'stream' });
  }

  /** Keeps messages on disk (`x-queue-mode=lazy`, for brokers before 3.12). */
  lazy(this: While<Type, 'classic', 'lazy() is for classic queues'>): QueueBuilder<'classic'> {
    return QueueBuilder.#add(this, { lazy: true });
  }

  /** How long a message may wait. */
  ttl(this: While<Type, NonStream, NotOfStreams>, ttl: Duration): QueueBuilder<Type & NonStream> {
    return QueueBuilder.#add(this, { messageTtl: ttl });
  }

  /** How long the queue may be unused before the broker deletes it. */
  expires(this: While<Type, NonStream, NotOfStreams>, expires: Duration): QueueBuilder<Type & NonStream> {
    return QueueBuilder.#add(this, { expires });
  }

  maxLength(this: While<Type, NonStream, NotOfStreams>, messages: number): QueueBuilder<Type & NonStream> {
    return QueueBuilder.#add(this, { maxLength: messages });
  }

  maxLengthBytes(bytes: number): this {
    return QueueBuilder.#add(this, { maxLengthBytes: bytes });
  }

  /** What happens when the queue is full. */
  overflow(
    this: While<Type, NonStream, NotOfStreams>,
    overflow: NonNullable<NonStreamQueueOptions['overflow']>,
  ): QueueBuilder<Type & NonStream> {
    return QueueBuilder.#add(this, { overflow });
  }

  /** Where rejected, expired and displaced messages go. The exchange is not declared by naming it. */
  deadLetterExchange(this: While<Type, NonStream, NotOfStreams>, exchange: string): QueueBuilder<Type & NonStream> {
    return QueueBuilder.#add(this, { deadLetterExchange: exchange });
  }

  deadLetterRoutingKey(this: While<Type, NonStream, NotOfStreams>, routingKey: string): QueueBuilder<Type & NonStream> {
    return QueueBuilder.#add(this, { deadLetterRoutingKey: routingKey });
  }

  /** Quorum queues: how dead letters are handed over. */
  deadLetterStrategy(
    this: While<Type, 'quorum', 'deadLetterStrategy() is for quorum queues'>,
    strategy: NonNullable<QuorumQueueOptions['deadLetterStrategy']>,
  ): QueueBuilder<Type & 'quorum'> {
    return QueueBuilder.#add(this, { deadLetterStrategy: strategy });
  }

  /** Classic queues: highest message priority, 1 to 255. */
  maxPriority(
    this: While<Type, 'classic', 'maxPriority() is for classic queues'>,
    priority: number,
  ): QueueBuilder<'classic'> {
    return QueueBuilder.#add(this, { maxPriority: priority });
  }

  singleActiveConsumer(this: While<Type, NonStream, NotOfStreams>): QueueBuilder<Type & NonStream> {
    return QueueBuilder.#add(this, { singleActiveConsumer: true });
  }

  /** Quorum queues: deliveries that may fail before a message is dead-lettered. */
  deliveryLimit(
    this: While<Type, 'quorum', 'deliveryLimit() is for quorum queues'>,
    limit: number,
  ): QueueBuilder<Type & 'quorum'> {
    return QueueBuilder.#add(this, { deliveryLimit: limit });
  }

  /** Node that leads a new quorum queue or stream. */
  leaderLocator(locator: NonNullable<QueueOptions['leaderLocator']>): this {
    return QueueBuilder.#add(this, { leaderLocator: locator });
  }

  withArgument(name: string, value: unknown): this {
    return this.withArguments({ [name]: value });
  }

  withArguments(more: TopologyArguments): this {
    return QueueBuilder.#add(this, { arguments: { ...this.#options.arguments, ...more } });
  }

  /** The options so far. */
  build(): QueueOptions {
    return this.#options as QueueOptions;
  }

  /** What comes back is the same builder, as the compiler knows it after the step. */
  static #add<Builder>(builder: unknown, more: Step): Builder {
    const own = builder as QueueBuilder;
    own.#options = { ...own.#options, ...more };
    return builder as Builder;
  }
}

/** A queue by its name, its options, or a builder. */
export type QueueReference = string | QueueOptions | QueueBuilder;

/** The options behind a reference that is not a mere name. Not checked. */
export function queueOptionsOf(reference: unknown): unknown {
  return reference instanceof QueueBuilder ? reference.build() : reference;
}

/** Whether a value is meant as a queue rather than an exchange: a type of exchanges says that it is none. */
export function looksLikeQueue(value: unknown): boolean {
  if (value instanceof QueueBuilder) return true;
  return isRecord(value) && (value['type'] === undefined || QUEUE_TYPES.includes(value['type'] as QueueType));
}
