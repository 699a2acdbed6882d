import type { LoggerService } from '@nestjs/common';
import type { LeveretConnectionOptions } from '../options/module-options.js';
import type { ConsumeMessage } from './amqp-message.js';
import type { AssertQueueErrorHandler, MessageErrorHandler, MessageHandlerErrorBehavior } from './error-behaviors.js';

export type MessageDeserializer = (message: Buffer, msg: ConsumeMessage) => unknown;
export type MessageSerializer = (value: unknown) => Buffer;

/** What amqplib takes with a message. */
export interface AmqpPublishOptions {
  readonly expiration?: string | number | undefined;
  readonly userId?: string | undefined;
  readonly CC?: string | readonly string[] | undefined;
  readonly BCC?: string | readonly string[] | undefined;
  readonly mandatory?: boolean | undefined;
  readonly persistent?: boolean | undefined;
  readonly deliveryMode?: boolean | number | undefined;
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly priority?: number | undefined;
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly messageId?: string | undefined;
  readonly timestamp?: number | undefined;
  readonly type?: string | undefined;
  readonly appId?: string | undefined;
  /** How long amqp-connection-manager waited. Publishing has a limit of its own. */
  readonly timeout?: number | undefined;
}

export interface RequestOptions {
  readonly exchange: string;
  readonly routingKey: string;
  /** Has no effect: requests and replies find each other by an id of leveret's. */
  readonly correlationId?: string;
  /** Milliseconds. Default: `defaultRpcTimeout`. */
  readonly timeout?: number;
  readonly payload?: unknown;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly expiration?: string | number;
  readonly publishOptions?: Omit<AmqpPublishOptions, 'replyTo' | 'correlationId' | 'headers' | 'expiration'>;
}

export interface QueueOptions {
  readonly durable?: boolean;
  readonly exclusive?: boolean;
  readonly autoDelete?: boolean;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly messageTtl?: number;
  readonly expires?: number;
  readonly deadLetterExchange?: string;
  readonly deadLetterRoutingKey?: string;
  readonly maxLength?: number;
  readonly maxPriority?: number;
  readonly bindQueueArguments?: Readonly<Record<string, unknown>>;
  /** Of the module's `channels`: whose prefetch it has. */
  readonly channel?: string;
  readonly consumerOptions?: ConsumeOptions;
}

export interface ConsumeOptions {
  readonly consumerTag?: string;
  readonly noLocal?: boolean;
  readonly noAck?: boolean;
  readonly exclusive?: boolean;
  readonly priority?: number;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

export interface RabbitSubscribeBinding {
  readonly exchange: string;
  readonly routingKey: string;
}

export interface MessageHandlerOptions {
  readonly name?: string;
  readonly connection?: string;
  readonly exchange?: string;
  readonly routingKey?: string | string[];
  readonly bindings?: RabbitSubscribeBinding[];
  readonly queue?: string;
  readonly queueOptions?: QueueOptions;
  /** @deprecated as in golevelup: use `errorHandler` */
  readonly errorBehavior?: MessageHandlerErrorBehavior;
  readonly errorHandler?: MessageErrorHandler;
  /** Refused, unless it is `defaultAssertQueueErrorHandler`. */
  readonly assertQueueErrorHandler?: AssertQueueErrorHandler;
  readonly allowNonJsonMessages?: boolean;
  readonly createQueueIfNotExists?: boolean;
  /** Has no effect. */
  readonly usePersistentReplyTo?: boolean;
  readonly deserializer?: MessageDeserializer;
  /** Refused: leveret has no batches yet. */
  readonly batchOptions?: BatchOptions;
}

export interface BatchOptions {
  readonly size: number;
  readonly timeout?: number;
  readonly errorHandler?: unknown;
}

export type RabbitHandlerType = 'rpc' | 'subscribe';

export interface RabbitHandlerConfig extends MessageHandlerOptions {
  readonly type: RabbitHandlerType;
}

export interface RabbitMQExchangeConfig {
  readonly name: string;
  readonly type?: string;
  readonly createExchangeIfNotExists?: boolean;
  readonly options?: {
    readonly durable?: boolean;
    readonly internal?: boolean;
    readonly autoDelete?: boolean;
    readonly alternateExchange?: string;
    readonly arguments?: Readonly<Record<string, unknown>>;
  };
}

export interface RabbitMQQueueConfig {
  readonly name: string;
  readonly createQueueIfNotExists?: boolean;
  readonly options?: Omit<QueueOptions, 'bindQueueArguments' | 'channel' | 'consumerOptions'>;
  readonly exchange?: string;
  readonly routingKey?: string | string[];
  readonly bindQueueArguments?: Readonly<Record<string, unknown>>;
  /** Has no effect: consumer tags are the broker's. */
  readonly consumerTag?: string | undefined;
}

export interface RabbitMQExchangeBindingConfig {
  readonly destination: string;
  readonly source: string;
  readonly pattern: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ConnectionInitOptions {
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly reject?: boolean;
  readonly skipConnectionFailedLogging?: boolean;
  readonly skipDisconnectFailedLogging?: boolean;
}

export interface RabbitMQChannelConfig {
  readonly prefetchCount?: number;
  readonly default?: boolean;
}

export interface AmqpUri {
  readonly protocol?: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly frameMax?: number;
  readonly heartbeat?: number;
  readonly vhost?: string;
}

export type RabbitMQUriConfig = AmqpUri | string;
export type RabbitMQChannels = Readonly<Record<string, RabbitMQChannelConfig>>;
export type RabbitMQHandlers = Readonly<
  Record<string, Partial<MessageHandlerOptions> | readonly Partial<MessageHandlerOptions>[]>
>;

/** Options of `RabbitMQModule.forRoot`. */
export interface RabbitMQConfig {
  readonly name?: string;
  readonly uri: RabbitMQUriConfig | readonly RabbitMQUriConfig[];
  readonly prefetchCount?: number;
  readonly exchanges?: readonly RabbitMQExchangeConfig[];
  readonly exchangeBindings?: readonly RabbitMQExchangeBindingConfig[];
  readonly queues?: readonly RabbitMQQueueConfig[];
  readonly defaultRpcTimeout?: number;
  readonly defaultExchangeType?: string;
  readonly defaultRpcErrorHandler?: MessageErrorHandler;
  readonly defaultSubscribeErrorBehavior?: MessageHandlerErrorBehavior;
  readonly connectionInitOptions?: ConnectionInitOptions;
  /** Of it, `heartbeatIntervalInSeconds` and `connectionOptions.clientProperties` have an effect. */
  readonly connectionManagerOptions?: Readonly<Record<string, unknown>>;
  readonly registerHandlers?: boolean;
  readonly enableDirectReplyTo?: boolean;
  readonly enableControllerDiscovery?: boolean;
  readonly channels?: RabbitMQChannels;
  readonly handlers?: RabbitMQHandlers;
  readonly defaultHandler?: string;
  readonly logger?: LoggerService;
  readonly deserializer?: MessageDeserializer;
  readonly serializer?: MessageSerializer;
  readonly defaultPublishOptions?: AmqpPublishOptions;
  /** Options of leveret that golevelup has not, such as `defaults: { retry: { maxAttempts: 5 } }` for every handler. */
  readonly leveret?: LeveretConnectionOptions;
}
