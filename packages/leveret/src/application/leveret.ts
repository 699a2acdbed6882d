import { applyPolicies } from '@leveret/amqplib';
import {
  type ApplicationPlan,
  ConfigurationError,
  type ConnectionRole,
  DelayedPublishes,
  type Duration,
  durationMs,
  EventHub,
  type IdempotencyGuard,
  LeveretError,
  ListenerContainer,
  type PauseOptions,
  type PauseReport,
  type PolicyDeclaration,
  Publisher,
  resolvePause,
  type Topology,
  whyNotRouted,
  within,
} from '@leveret/core';
import type { LeveretContainer } from '../container/container-port.js';
import type { InstanceHooks } from '../container/instance-hooks.js';
import type { InstanceResolver } from '../container/instance-resolver.js';
import { resolverFor } from '../container/resolver-for.js';
import { Schedule } from '../schedule/schedule.js';
import { ApplicationParts } from './application-parts.js';
import { closeInOrder } from './close-in-order.js';
import { ConnectionLog } from './connection-log.js';
import { type Health, judgeHealth } from './health.js';
import type { LeveretEvent } from './leveret-event.js';
import type { LeveretOptions } from './leveret-options.js';
import { ListenerRegistry } from './listener-registry.js';
import { notAwaited } from './not-awaited.js';
import { planOf, tellPlan } from './plan-only.js';
import { publishRouteOf } from './publish-route.js';
import { PublisherConverter } from './publisher-converter.js';
import { type ResolvedApplication, readAndCheck } from './read-and-check.js';
import { type ResolvedLeveretOptions, resolveLeveretOptions } from './resolve-leveret-options.js';
import { ScheduleRegistry } from './schedule-registry.js';
import { installShutdownHooks } from './shutdown-hooks.js';
import { StandstillWatch } from './standstill-watch.js';
import { startListeners } from './start-listeners.js';
import type { StoreWatch } from './store-watch.js';
import { UnroutableLook } from './unroutable-look.js';
import { WaitingWatch } from './waiting-watch.js';

/** Where an application is in its life. */
export type LeveretState =
  | { readonly name: 'new' }
  /** `steps` ends at the next step after a close, `started` when everything is closed again. */
  | { readonly name: 'starting'; readonly started: Promise<void>; readonly steps: Promise<void> }
  | { readonly name: 'running' }
  | { readonly name: 'closing'; readonly closed: Promise<void> }
  | { readonly name: 'closed' };

/**
 * An application: its connections, its listeners, its publisher.
 *
 * ```ts
 * await using app = await Leveret.start({ listeners: [PayStatusListener] });
 * ```
 *
 * | state | what happens in it |
 * |---|---|
 * | `new` | nothing; `publisher` is there to be injected |
 * | `starting` | listeners are read and checked, connections opened, topology declared, consumers started |
 * | `running` | messages come and go; lost connections come back by themselves |
 * | `closing` | consumers are cancelled, what is running ends, outstanding publishes are confirmed |
 * | `closed` | for good: make another one to start again |
 */
export class Leveret {
  /** Publishes on a connection of its own. The same object that is injected as `Publisher`. */
  readonly publisher: Publisher;
  readonly #options: ResolvedLeveretOptions;
  readonly #hooks: InstanceHooks;
  readonly #events: EventHub<LeveretEvent>;
  /** Made at the start: which container there is decides what has to be loaded. */
  #resolver: InstanceResolver | undefined;
  readonly #converter = new PublisherConverter();
  /** Recoverers and replies need confirms even where the user's own publishes do without. */
  readonly #sender: Publisher;
  #containers: readonly ListenerContainer[] = [];
  #registry = new ListenerRegistry([]);
  #schedules: readonly Schedule[] = [];
  #scheduleRegistry = new ScheduleRegistry([]);
  #stores: StoreWatch | undefined;
  readonly #parts: ApplicationParts;
  /** Where messages wait, under the name of the service. */
  readonly #delayed: DelayedPublishes;
  readonly #waiting: WaitingWatch;
  #service: string | undefined;
  /** Known from the start on. */
  #declared: Topology | undefined;
  /** Only where the management API was named: nobody else is sent a password. */
  readonly #unroutable: UnroutableLook | undefined;
  readonly #standstills: StandstillWatch;
  #state: LeveretState = { name: 'new' };
  /** A pause that was asked for before there were listeners. */
  #startsPaused: PauseOptions | undefined;
  #removeHooks: () => void = () => {};
  /** Resolves when a close that was asked for has ended; one during the start ends that. */
  readonly #interrupted = deferred();
  /** The signal that closed it. */
  #signal: string | undefined;
  /** Fires when a close shall wait no longer. */
  readonly #hurried = new AbortController();

  /**
   * Prepares an application without starting it, for containers that want to inject it. Else: {@link Leveret.start}.
   * @param hooks for tests: what is replaced, and who is told of instances
   */
  constructor(options: LeveretOptions = {}, hooks: InstanceHooks = {}) {
    this.#hooks = hooks;
    this.#options = resolveLeveretOptions(options);
    const { transport, publisher, clock, logger, raw } = this.#options;
    this.#events = new EventHub(logger);
    this.#parts = new ApplicationParts(logger, this.#events);
    if (typeof raw.onEvent === 'function') this.#events.on(raw.onEvent);
    const connectionLog = new ConnectionLog(logger, clock);
    transport.on((event) => {
      connectionLog.tell(event);
      this.#events.emit(event);
      if (event.type === 'connected' && event.role === 'publish') this.#parts.publishable();
    });
    this.#unroutable = raw.management && new UnroutableLook(this.#options.management, logger, clock);
    this.#service = typeof raw.service === 'string' ? raw.service : undefined;
    this.#delayed = new DelayedPublishes(transport, publisher.connectionTimeoutMs, () => this.#service);
    this.#waiting = new WaitingWatch(this.#delayed, logger, clock);
    this.publisher = this.#newPublisher(publisher.confirms);
    this.#sender = publisher.confirms === 'none' ? this.#newPublisher('correlated') : this.publisher;
    this.#standstills = new StandstillWatch({
      ...this.#options,
      events: this.#events,
      unanswered: (olderThanMs) => [
        ...[...new Set([this.publisher, this.#sender])].flatMap((each) => each.unanswered(olderThanMs)),
        ...(transport.unanswered?.() ?? []),
      ],
    });
  }

  /**
   * Reads and checks all listeners, connects, declares, and starts consuming. Resolves when every listener with
   * `autoStart` has its consumers. When it rejects, everything it opened is closed again.
   * @throws {ConfigurationError} with every fault of every listener and option
   * @throws {LeveretError} LEV_CONNECTION_FAILED, LEV_AUTHENTICATION_REFUSED, LEV_TOPOLOGY_MISMATCH,
   * LEV_TOPOLOGY_REFUSED, LEV_QUEUE_MISSING, LEV_MANAGEMENT_API
   */
  static start(options: LeveretOptions = {}): Promise<Leveret> {
    const members = ['publisher', ...Reflect.ownKeys(Leveret.prototype)];
    return notAwaited(Leveret.#started(options), members, 'Write: const app = await Leveret.start(...)');
  }

  static async #started(options: LeveretOptions): Promise<Leveret> {
    const app = new Leveret(options);
    await app.start();
    return app;
  }

  get state(): LeveretState['name'] {
    return this.#state.name;
  }

  /** The listeners: to look up, to start and stop by hand, to inspect. Empty until the start has read them. */
  get listeners(): ListenerRegistry {
    return this.#registry;
  }

  /** The schedules: to look up, to run by hand, to start and stop, to inspect. Empty until the start has read them. */
  get schedules(): ScheduleRegistry {
    return this.#scheduleRegistry;
  }

  /** The container that the application was given; `undefined` when it was given none. */
  get container(): LeveretContainer | undefined {
    return this.#options.raw.container;
  }

  /**
   * What it would declare and consume. Classes are read and made, nothing is connected; this application cannot be started any more.
   * @throws {ConfigurationError} with every fault of every listener and option
   * @throws {LeveretError} LEV_INVALID_STATE when it was started
   */
  async plan(): Promise<ApplicationPlan> {
    if (this.#state.name !== 'new') {
      const text = `This application is ${this.#state.name}: ask a new one for its plan, new Leveret(options).plan().`;
      throw new LeveretError('LEV_INVALID_STATE', text);
    }
    this.#transition({ name: 'closed' });
    return planOf(await this.#read());
  }

  /** As {@link Leveret.start}; a second call joins the first. */
  start(): Promise<void> {
    switch (this.#state.name) {
      case 'new': {
        // Begun a moment later, so that everything in it sees the new state.
        const steps = Promise.resolve().then(() => this.#start());
        const started = this.#startOrClose(steps);
        this.#transition({ name: 'starting', started, steps });
        return started;
      }
      case 'starting':
        return this.#state.started;
      case 'running':
        return Promise.resolve();
      default:
        return Promise.reject(
          new LeveretError(
            'LEV_INVALID_STATE',
            `This application is ${this.#state.name}. Start a new one: Leveret.start(options).`,
          ),
        );
    }
  }

  /**
   * Stops: cancels every consumer, waits for what is running, gives back what was prefetched, waits for outstanding
   * confirms, closes the connections. Never rejects. A second call joins the first; with `timeout: 0` it ends the wait.
   * @param options.timeout how long it may take. Default: the `shutdownTimeout` of the application, 25 s
   * @throws {ConfigurationError} when the timeout is not a duration
   */
  close(options: { readonly timeout?: Duration } = {}): Promise<void> {
    const timeoutMs =
      options.timeout === undefined ? this.#options.shutdownTimeoutMs : durationMs(options.timeout, 'timeout');
    switch (this.#state.name) {
      case 'closed':
        return Promise.resolve();
      case 'closing':
        if (timeoutMs === 0) this.#hurried.abort();
        return this.#state.closed;
      default: {
        const steps = this.#state.name === 'starting' ? this.#state.steps : undefined;
        const closed = this.#beginClose(timeoutMs, steps);
        void closed.then(this.#interrupted.resolve);
        return closed;
      }
    }
  }

  /**
   * Pauses every listener, as `app.listeners.get(id).pause()` does one: nothing more is taken, what runs goes on. Publishing
   * and schedules go on as well. Before the start: it starts paused. Once it closes there is nothing to pause.
   * @throws {ConfigurationError} when an option is none
   */
  async pause(options: PauseOptions = {}): Promise<PauseReport> {
    if (this.#state.name === 'closing' || this.#state.name === 'closed') return { atWork: 0 };
    if (this.#containers.length === 0) {
      resolvePause(options);
      this.#startsPaused = options;
    }
    const reports = await Promise.all(this.#containers.map((container) => container.pause(options)));
    return { atWork: reports.reduce((sum, { atWork }) => sum + atWork, 0) };
  }

  /** Lets every listener go on that is paused, whoever or whatever paused it. */
  resume(): void {
    this.#startsPaused = undefined;
    for (const container of this.#containers) container.resume();
  }

  /** So that `await using app = await Leveret.start(...)` closes it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** How connections and listeners are at the moment; asks nobody, costs nothing. */
  health(): Health {
    const used = this.#roles();
    const connections = this.#options.transport.health().filter(({ role }) => used.includes(role));
    const { name } = this.#state;
    return judgeHealth(
      name === 'running',
      connections,
      this.#registry.inspect(),
      this.#scheduleRegistry.inspect(),
      this.#stores?.health,
      this.#parts.health,
      this.#standstills.standstills,
    );
  }

  /** Calls back with every event; answers how to stop that. */
  on(listener: (event: LeveretEvent) => void): () => void {
    return this.#events.on(listener);
  }

  /** The start, whose rejection comes when everything is closed: until then a program may have handlers at work. */
  async #startOrClose(steps: Promise<void>): Promise<void> {
    const orClosed = steps.catch(async (error: unknown) => {
      if (this.#state.name === 'closing') await this.#state.closed;
      throw error;
    });
    await Promise.race([orClosed, this.#interrupted.promise]);
    if (this.#state.name === 'closed') throw this.#closedMeanwhile();
  }

  async #start(): Promise<void> {
    const { clock, logger, transport, shutdownSignals, start: mode, startTimeoutMs } = this.#options;
    const startedAt = clock.monotonic();
    // First of all: a signal that comes while it connects must not end a process with handlers at work, nor be ignored.
    this.#removeHooks = installShutdownHooks(shutdownSignals, {
      close: (signal) => this.#closeBySignal(signal),
      hurry: (signal) => this.#closeBySignal(signal, 0),
    });
    try {
      const resolved = await within(clock, startTimeoutMs, this.#read(), () => {
        throw new ConfigurationError([`the container did not make every class within ${startTimeoutMs} ms`]);
      });
      this.#stillStarting();
      await tellPlan(planOf(resolved));
      this.#converter.use(resolved.reading);
      this.#service = resolved.service;
      this.#containers = resolved.definitions.map((definition) => this.#newListener(definition));
      this.#registry = new ListenerRegistry(this.#containers);
      if (this.#startsPaused !== undefined) void this.pause(this.#startsPaused);
      this.#schedules = resolved.schedules.map(
        (definition) => new Schedule(definition, { clock, logger, events: this.#events }),
      );
      this.#scheduleRegistry = new ScheduleRegistry(this.#schedules);
      this.#stores = resolved.stores;
      // Before anything is consumed: what a store cannot work with would be found by the messages.
      await this.#stores.start();
      this.#stillStarting();
      this.#declared = resolved.topology;
      await transport.declare(resolved.topology, { canWait: this.#canWait() });
      await Promise.all(this.#roles().map((role) => transport.connect(role)));
      this.#stillStarting();
      if (resolved.topology.policies.length > 0) {
        await this.#applyPolicies(resolved.topology.policies);
        this.#stillStarting();
      }
      await startListeners(this.#containers, { clock, logger, mode, timeoutMs: startTimeoutMs });
      this.#stillStarting();
    } catch (error) {
      if (this.#state.name !== 'starting') throw this.#closedMeanwhile(error);
      await this.#beginClose(0, undefined);
      throw error;
    }
    this.#transition({ name: 'running' });
    for (const schedule of this.#schedules) schedule.start();
    // A test that moves its clock by hours would see a look for every second of them.
    if (this.#options.raw.clock === undefined) {
      this.#standstills.start();
      this.#waiting.start(this.#containers);
    }
    const durationMs = Math.round(clock.monotonic() - startedAt);
    this.#events.emit({ type: 'started', durationMs });
    logger.info({ listeners: this.#containers.length, durationMs }, 'leveret started');
  }

  async #read(): Promise<ResolvedApplication> {
    const { raw, logger, problems } = this.#options;
    const resolver = await resolverFor(raw.container, logger, problems);
    this.#resolver = resolver;
    // What users inject. A container that has them already (by leveretModule, say) keeps its own.
    resolver.provide(Leveret, this);
    resolver.provide(Publisher, this.publisher);
    for (const [service, value] of this.#hooks.replaced ?? []) await resolver.replace(service, value);
    return readAndCheck(this.#options, resolver, this.#hooks);
  }

  /** What may be missing at the start: everything, or the queues of listeners that wait for theirs. */
  #canWait(): (queue: string | undefined) => boolean {
    if (this.#options.start !== 'fail') return () => true;
    const patient = this.#containers.filter(({ definition }) => definition.missingQueue === 'wait');
    const queues = new Set(patient.map(({ definition }) => definition.queue));
    return (queue) => queue !== undefined && queues.has(queue);
  }

  /** Nobody needs a connection to consume where nothing is consumed. */
  #roles(): readonly ConnectionRole[] {
    return this.#containers.length > 0 ? ['consume', 'publish'] : ['publish'];
  }

  async #applyPolicies(policies: readonly PolicyDeclaration[]): Promise<void> {
    const { management, transport, logger } = this.#options;
    const { notices, failures } = await applyPolicies(policies, management, transport.broker?.version ?? '');
    for (const notice of notices) logger.info({}, notice);
    for (const failure of failures.slice(1)) logger.error({ err: failure }, 'a further policy was not applied');
    if (failures[0] !== undefined) throw failures[0];
  }

  /** A close during the start ends the start at its next step. */
  #stillStarting(): void {
    if (this.#state.name !== 'starting') throw this.#closedMeanwhile();
  }

  #closedMeanwhile(cause?: unknown): LeveretError {
    const by = this.#signal === undefined ? '' : ` by ${this.#signal}`;
    return new LeveretError('LEV_INVALID_STATE', `The application was closed${by} while it was starting.`, { cause });
  }

  #beginClose(timeoutMs: number, steps: Promise<void> | undefined): Promise<void> {
    // Closing what never ran is no news to anybody: whoever started it gets the reason.
    const level = this.#state.name === 'running' ? 'info' : 'debug';
    const closed = Promise.resolve().then(() => this.#close(timeoutMs, level, steps));
    this.#transition({ name: 'closing', closed });
    return closed;
  }

  /** @param steps the start that is interrupted, if one is: it ends at its next step */
  async #close(timeoutMs: number, level: 'info' | 'debug', steps: Promise<void> | undefined): Promise<void> {
    const { clock, logger, transport, publisher } = this.#options;
    logger[level]({ timeoutMs }, 'closing');
    this.#events.emit({ type: 'closing' });
    const abandoned = await closeInOrder({
      containers: this.#containers,
      schedules: this.#schedules,
      publishers: [this.publisher, this.#sender],
      confirmsMs: publisher.closeTimeoutMs,
      transport,
      clock,
      timeoutMs,
      hurried: this.#hurried.signal,
      release: () => this.#release(steps),
    });
    this.#standstills.stop();
    this.#waiting.stop();
    this.#stores?.stop();
    this.#removeHooks();
    this.#transition({ name: 'closed' });
    this.#events.emit({ type: 'closed', abandoned });
    logger[level]({ abandoned }, 'closed');
  }

  async #release(steps: Promise<void> | undefined): Promise<void> {
    await steps?.catch(() => {});
    // What is handled and not remembered yet: the last chance before stores of the container are gone.
    await Promise.allSettled([...this.#guards()].map(async (guard) => guard.flush?.()));
    try {
      await this.#resolver?.release();
    } catch (err) {
      this.#options.logger.warn({ err }, 'the container would not let go of the listeners');
    }
  }

  #guards(): ReadonlySet<IdempotencyGuard> {
    const guarded = this.#containers.flatMap(({ definition }) => [...(definition.idempotency?.values() ?? [])]);
    return new Set(guarded.map(({ guard }) => guard));
  }

  #closeBySignal(signal: string, timeout?: number): void {
    this.#signal ??= signal;
    this.#options.logger.info({ signal }, timeout === undefined ? 'closing at a signal' : 'closing at once');
    void this.close(timeout === undefined ? {} : { timeout });
  }

  #newPublisher(confirms: ResolvedLeveretOptions['publisher']['confirms']): Publisher {
    const { transport, publisher, clock, logger } = this.#options;
    return new Publisher({
      transport,
      options: { ...publisher, confirms },
      converter: this.#converter,
      readReply: (reply, type) => this.#converter.readReply(reply, type),
      clock,
      logger,
      routeOf: publishRouteOf,
      explain: (publication, missing) => {
        if (missing === 'queue') void this.#unroutable?.look(publication);
        return whyNotRouted(publication, missing, this.#declared);
      },
      events: this.#events,
      attach: (part) => this.#parts.attach(part),
      delayed: this.#delayed,
    });
  }

  #newListener(definition: ResolvedApplication['definitions'][number]): ListenerContainer {
    const { transport, clock, logger, redact } = this.#options;
    return new ListenerContainer(definition, {
      transport,
      publisher: this.#sender,
      clock,
      logger,
      redact,
      events: this.#events,
      delayed: this.#delayed,
      service: this.#service,
    });
  }

  #transition(state: LeveretState): void {
    this.#state = state;
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}
