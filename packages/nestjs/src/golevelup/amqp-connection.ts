import type { Leveret } from 'leveret';
import { RequestTimeoutError } from 'leveret';
import type { LeveretConnection } from '../connection/leveret-connection.js';
import { publishOptions } from './publish-options.js';
import type { AmqpPublishOptions, RabbitMQConfig, RequestOptions } from './rabbit-types.js';

/** A request was not answered in time. */
export class RpcTimeoutError extends Error {
  override readonly name = 'RpcTimeoutError';
  readonly timeout: number;
  readonly exchange: string;
  readonly routingKey: string;

  constructor(timeout: number, exchange: string, routingKey: string, options?: ErrorOptions) {
    super(
      `Failed to receive response within timeout of ${timeout}ms for exchange "${exchange}" and routing key "${routingKey}"`,
      options,
    );
    this.timeout = timeout;
    this.exchange = exchange;
    this.routingKey = routingKey;
  }
}

const RPC_TIMEOUT_MS = 10_000;

/**
 * Publishes and asks as golevelup's `AmqpConnection` does. What it has of amqplib and amqp-connection-manager underneath, leveret has
 * not, and says so.
 */
export class AmqpConnection {
  readonly #connection: LeveretConnection;
  readonly configuration: RabbitMQConfig;

  constructor(connection: LeveretConnection, configuration: RabbitMQConfig) {
    this.#connection = connection;
    this.configuration = configuration;
  }

  /** The application of leveret, for all that golevelup has not. */
  get leveret(): Leveret {
    return this.#connection.app;
  }

  /**
   * Resolves when the broker has the message. One that no queue is bound for is dropped, unless `mandatory`.
   * @throws {PublishError} that says what is known of the message
   */
  async publish<T = unknown>(
    exchange: string,
    routingKey: string,
    message: T,
    options: AmqpPublishOptions = {},
  ): Promise<boolean> {
    const merged = publishOptions({ ...this.configuration.defaultPublishOptions, ...options });
    // Nothing is an empty body, which the converter writes.
    const payload: unknown = message ?? Buffer.alloc(0);
    await this.leveret.publisher.publish(exchange, routingKey, payload as object, merged);
    return true;
  }

  /**
   * Publishes a request, and resolves to the reply.
   * @throws {RpcTimeoutError} when none came in time
   * @throws {PublishError} when it could not be published, as to an exchange where nobody is bound for it
   */
  async request<T = unknown>(request: RequestOptions): Promise<T> {
    const { exchange, routingKey, payload = {}, headers, expiration, publishOptions: further = {} } = request;
    const timeout = request.timeout || this.configuration.defaultRpcTimeout || RPC_TIMEOUT_MS;
    const given = { mandatory: true, ...this.configuration.defaultPublishOptions, ...further, headers, expiration };
    const { replyTo: _r, correlationId: _c, ...options } = publishOptions(defined(given));
    try {
      return await this.leveret.publisher.request<T>(exchange, routingKey, payload as object, { ...options, timeout });
    } catch (error) {
      if (error instanceof RequestTimeoutError)
        throw new RpcTimeoutError(timeout, exchange, routingKey, { cause: error });
      throw error;
    }
  }

  /** Whether all connections stand. */
  get connected(): boolean {
    const { connections } = this.leveret.health();
    return connections.length > 0 && connections.every(({ state }) => state === 'connected');
  }

  /** What stands for consumer tags: the ids of all listeners. */
  get consumerTags(): string[] {
    return this.leveret.listeners.all.map(({ id }) => id);
  }

  /** Pauses a listener: it takes nothing more, also after a connection was lost. */
  async cancelConsumer(consumerTag: string): Promise<void> {
    await this.#listener(consumerTag)?.pause();
  }

  /** Lets it go on. Answers its id, or `null` when there is none. */
  async resumeConsumer(consumerTag: string): Promise<string | null> {
    const listener = this.#listener(consumerTag);
    listener?.resume();
    return listener?.id ?? null;
  }

  async close(): Promise<void> {
    await this.leveret.close();
  }

  get channel(): never {
    return nothingOf('channel');
  }

  get channels(): never {
    return nothingOf('channels');
  }

  get connection(): never {
    return nothingOf('connection');
  }

  get managedChannel(): never {
    return nothingOf('managedChannel');
  }

  get managedChannels(): never {
    return nothingOf('managedChannels');
  }

  get managedConnection(): never {
    return nothingOf('managedConnection');
  }

  createSubscriber(): never {
    return nothingOf('createSubscriber');
  }

  createBatchSubscriber(): never {
    return nothingOf('createBatchSubscriber');
  }

  createRpc(): never {
    return nothingOf('createRpc');
  }

  #listener(id: string) {
    return this.leveret.listeners.all.find((each) => each.id === id);
  }
}

function nothingOf(what: string): never {
  throw new Error(
    `AmqpConnection.${what} is not there in @leveret/nestjs/golevelup: channels and connections come and go by themselves, and all listeners are known at the start. Publish with publish(), declare in the options of the module, and handle with @RabbitSubscribe or @Listener`,
  );
}

/** Without what is `undefined`. */
function defined<T extends object>(given: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never;
}

/** The connections of a Nest application, by name. */
export class AmqpConnectionManager {
  readonly #connections = new Map<string, AmqpConnection>();

  addConnection(connection: AmqpConnection): void {
    this.#connections.set(connection.configuration.name ?? 'default', connection);
  }

  getConnection(name: string): AmqpConnection | undefined {
    return this.#connections.get(name);
  }

  getConnections(): AmqpConnection[] {
    return [...this.#connections.values()];
  }
}
