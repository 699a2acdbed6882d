import {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
  MANAGEMENT_OPTIONS,
  type ManagementOptions,
} from '@leveret/amqplib';
import {
  type Clock,
  checkOptions,
  customOption,
  type Declarables,
  type Duration,
  durationOption,
  functionOption,
  type InstanceOrClass,
  LISTENER_POLICY_OPTIONS,
  type ListenerPolicyOptions,
  type Logger,
  type LogLevel,
  type MessageConverter,
  type OptionsOf,
  objectSchema,
  type Problems,
  PUBLISHER_OPTIONS,
  type PublisherOptions,
  type Redact,
  type Transport,
  wordOption,
} from '@leveret/core';
import type { LeveretContainer } from '../container/container-port.js';
import type { IdempotencyOptions } from '../decorators/idempotent.js';
import type { InterceptorLike } from '../interceptor/interceptor-like.js';
import { readValidation, VALIDATION_SCHEMA } from '../payload/check-validation.js';
import type { PayloadValidation } from '../payload/payload-validation.js';
import type { AnyClass } from '../reading/class-kind.js';
import { readIdempotencyOptions } from '../reading/read-idempotent.js';
import type { LeveretEvent } from './leveret-event.js';
import { LEVELS, readLogger } from './read-logger.js';
import { readShutdownHooks, type ShutdownSignal } from './shutdown-hooks.js';
import { START_MODES, type StartMode } from './start-listeners.js';

/** Options of `Leveret.start`. Everything may be left out: then it is a publisher on `amqp://localhost`. */
export interface LeveretOptions {
  /** Where the broker is, and how to reach it. */
  readonly connection?: ConnectionOptions;
  /** How messages are published, also by recoverers and as replies. */
  readonly publisher?: PublisherOptions;
  /** Classes with `@Listener`, which the container makes; instances of such classes, as they are; what `listener(...)` makes. */
  readonly listeners?: readonly (AnyClass | object)[];
  /** Classes with `@Scheduled` methods and no listener, or instances, or what `schedule(...)` makes; those of listener classes are found by themselves. */
  readonly schedules?: readonly (AnyClass | object)[];
  /**
   * What makes listeners, interceptors, recoverers, converters and stores that are given as classes or tokens: a container of
   * inversify, any other that has `resolve(token)` (see `ContainerPort`), or a `Map` from classes to instances. In one of
   * inversify, classes that are not bound are bound, as singletons unless they ask for another scope; so are `Leveret` and
   * `Publisher`. Default: none. Classes whose constructors take nothing are made with `new`, once; those that are decorated
   * for inversify by a container of its own, which makes whatever is asked for (`autobind`), as singletons.
   */
  readonly container?: LeveretContainer;
  /** For every listener that does not say otherwise. */
  readonly defaults?: ListenerPolicyOptions;
  /** Declared besides what the listeners declare: exchanges, queues, bindings, policies. */
  readonly topology?: Declarables;
  /** Around every listener, outside those of classes and methods. */
  readonly interceptors?: readonly InterceptorLike[];
  /** How bodies become payloads, and payloads bodies. Default: by content type (JSON, text, bytes). */
  readonly converter?: InstanceOrClass<MessageConverter>;
  /** How payload classes are validated; `false` = not at all. Default: every rule of the class, nothing stripped. */
  readonly validation?: PayloadValidation | false;
  /**
   * The name of the service, such as `billing`: the same for all its instances, and for no other service. It is part of
   * every key that outlives the process. Default: the service that its stores and guards have been given; required where
   * one of them has none.
   */
  readonly service?: string;
  /** How `@Idempotent` handlers are guarded that do not say otherwise. Default: a store in this process's memory, with a warning. */
  readonly idempotency?: IdempotencyOptions;
  /**
   * What to do about a queue that cannot be had at the start, such as one whose node is down: `fail` (the default) stops the
   * start within seconds; `wait` waits for it as long as `connection.startTimeout`; `degraded` starts everything else, and the
   * listener begins by itself when it can (health says `degraded` until then). A listener with `missingQueue: 'wait'` is never
   * waited for.
   */
  readonly start?: StartMode;
  /** A queue or exchange that exists with other properties: report it and go on (`warn`, the default), or fail the start. */
  readonly mismatch?: 'fail' | 'warn';
  /** Where log lines go, or from which level the console has them. Default `info` on the console. */
  readonly logger?: Logger | LogLevel;
  /**
   * Takes out of a text what nobody may read, such as card numbers: asked for every text of an error that leaves the
   * process, in log lines, in the headers of parked messages and in error replies. Passwords of URLs are taken out before,
   * with or without it. When it throws, nothing of the text is shown.
   */
  readonly redact?: Redact;
  /** How long `close` waits for what is running. Default 25 s: within the 30 s that Kubernetes gives. */
  readonly shutdownTimeout?: Duration;
  /** Close at SIGTERM and SIGINT, or at the signals named; a second one waits no longer. Default `false`. */
  readonly shutdownHooks?: boolean | readonly ShutdownSignal[];
  /** Called with every event from the start on, the first connection included. Further ones: `app.on`. */
  readonly onEvent?: (event: LeveretEvent) => void;
  /** The management HTTP API, for policies. */
  readonly management?: ManagementOptions;
  /** Instead of RabbitMQ over amqplib: `connection` and `mismatch` are its own business then. */
  readonly transport?: Transport;
  /** Instead of the time of this process, for tests. With it nothing is looked for that the broker leaves unanswered. */
  readonly clock?: Clock;
}

/** The table of {@link LeveretOptions}, in the order of the documentation. What has parts of its own is read where they are. */
export const LEVERET_OPTIONS = {
  connection: customOption<ConnectionOptions>({
    byDefault: '`amqp://localhost`',
    schema: objectSchema(CONNECTION_OPTIONS),
    text: 'where the broker is, see [the connection](../packages/amqplib/README.md#options-of-the-connection)',
  }),
  publisher: customOption<PublisherOptions>({
    byDefault: 'see [publishing](publishing.md#options)',
    schema: objectSchema(PUBLISHER_OPTIONS),
    text: 'how messages are published, also by recoverers and as replies',
  }),
  listeners: customOption<NonNullable<LeveretOptions['listeners']>>({
    text: 'classes with `@Listener`, or instances of such classes',
  }),
  schedules: customOption<NonNullable<LeveretOptions['schedules']>>({
    text: 'classes with [`@Scheduled`](polling.md) methods and no listener',
  }),
  container: customOption<LeveretContainer>({ text: 'what makes classes, see [containers](containers.md)' }),
  defaults: customOption<ListenerPolicyOptions, ListenerPolicyOptions>({
    schema: objectSchema(LISTENER_POLICY_OPTIONS),
    text: 'options of every listener that does not say otherwise',
    read: readDefaults,
  }),
  topology: customOption<Declarables>({
    schema: { anyOf: [{ type: 'object' }, { type: 'array' }] },
    text: 'declared besides what the listeners declare, see [topology](topology.md)',
  }),
  interceptors: customOption<readonly InterceptorLike[]>({
    text: 'around every listener, outside those of classes and methods',
  }),
  converter: customOption<InstanceOrClass<MessageConverter>>({
    byDefault: 'by content type: JSON, text, bytes',
    text: 'how bodies become payloads, and payloads bodies',
  }),
  validation: customOption<PayloadValidation | false>({
    byDefault: 'every rule of the class, nothing stripped',
    schema: VALIDATION_SCHEMA,
    text: 'options of class-validator, or `false` for no validation',
    read: readValidation,
  }),
  service: customOption<string>({
    byDefault: 'what its stores and guards have been given',
    schema: { type: 'string', minLength: 1 },
    text: 'name of the service, such as `billing`: the same for all its instances, and part of every key that outlives the process',
  }),
  idempotency: customOption<IdempotencyOptions, IdempotencyOptions>({
    byDefault: 'a store in memory, with a warning',
    text: 'how [`@Idempotent`](idempotency.md) handlers are guarded that do not say otherwise',
    read: (value, _name, problems) => readIdempotencyOptions(value, problems),
  }),
  start: wordOption(START_MODES, {
    or: 'fail',
    text: 'a queue that cannot be had at the start: `fail`, `wait` as long as `connection.startTimeout`, or begin without it (`degraded`)',
  }),
  mismatch: wordOption(['fail', 'warn'], {
    or: 'warn',
    text: 'a queue or exchange that exists with other properties: report it and go on, or `fail` the start',
  }),
  logger: customOption<Logger | LogLevel, Logger>({
    byDefault: '`info` on the console',
    schema: { enum: LEVELS },
    text: 'where log lines go, or from which level the console has them',
    read: readLogger,
  }),
  redact: functionOption<Redact>({
    takes: 'from text to text',
    text: 'takes out of the text of an error what nobody may read, see [security](security.md#what-leaves-the-process)',
  }),
  shutdownTimeout: durationOption({ or: '25s', zero: true, text: 'how long `close` waits for what is running' }),
  shutdownHooks: customOption<boolean | readonly ShutdownSignal[], readonly ShutdownSignal[]>({
    byDefault: '`false`',
    schema: { anyOf: [{ type: 'boolean' }, { type: 'array', items: { type: 'string' } }] },
    text: 'close at SIGTERM and SIGINT, or at the signals named, see [shutdown](shutdown.md)',
    read: (value, _name, problems) => readShutdownHooks(value, problems),
  }),
  onEvent: functionOption<(event: LeveretEvent) => void>({
    text: 'called with every [event](#health-events-metrics-logs) from the start on',
  }),
  management: customOption<ManagementOptions>({
    schema: objectSchema(MANAGEMENT_OPTIONS),
    text: 'the management HTTP API, for [policies](topology.md)',
  }),
  transport: customOption<Transport>({
    byDefault: 'RabbitMQ over amqplib',
    text: 'another way to a broker, for tests',
  }),
  clock: customOption<Clock>({ byDefault: 'the time of this process', text: 'another time, for tests' }),
} satisfies OptionsOf<LeveretOptions>;

function readDefaults(given: unknown, name: string, problems: Problems): ListenerPolicyOptions {
  const known = Object.keys(LISTENER_POLICY_OPTIONS);
  return given !== undefined && checkOptions(given, known, name, problems) ? (given as ListenerPolicyOptions) : {};
}
