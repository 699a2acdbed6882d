import type { ConnectionOptions, ManagementOptions } from '@leveret/amqplib';
import type {
  Clock,
  Declarables,
  Duration,
  InstanceOrClass,
  ListenerPolicyOptions,
  Logger,
  LogLevel,
  MessageConverter,
  PublisherOptions,
  Redact,
  Transport,
} from '@leveret/core';
import type { LeveretContainer } from '../container/container-port.js';
import type { IdempotencyOptions } from '../decorators/idempotent.js';
import type { InterceptorLike } from '../interceptor/interceptor-like.js';
import type { PayloadValidation } from '../payload/payload-validation.js';
import type { AnyClass } from '../reading/class-kind.js';
import type { LeveretEvent } from './leveret-event.js';
import type { ShutdownSignal } from './shutdown-hooks.js';
import type { StartMode } from './start-listeners.js';

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

/** Names of all options, for checking what users pass. */
export const LEVERET_OPTION_NAMES: readonly string[] = Object.keys({
  connection: true,
  publisher: true,
  listeners: true,
  schedules: true,
  container: true,
  defaults: true,
  topology: true,
  interceptors: true,
  converter: true,
  validation: true,
  service: true,
  idempotency: true,
  start: true,
  mismatch: true,
  logger: true,
  redact: true,
  shutdownTimeout: true,
  shutdownHooks: true,
  onEvent: true,
  management: true,
  transport: true,
  clock: true,
} satisfies Record<keyof LeveretOptions, true>);
