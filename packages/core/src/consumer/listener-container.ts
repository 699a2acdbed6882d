import { asError } from '../errors/error-text.js';
import { LeveretError } from '../errors/leveret-error.js';
import { type Redact, redactUrls } from '../errors/redact.js';
import type { DeliveryEvent } from '../events/delivery-event.js';
import type { EventSink } from '../events/event-hub.js';
import type { ListenerEvent } from '../events/listener-event.js';
import { type Logger, logSafely } from '../events/logger.js';
import { DelayedPublishes } from '../publisher/delayed-publishes.js';
import type { ReplySender } from '../recoverer/recoverer.js';
import { RedeliveryAttempts } from '../retry/redelivery-attempts.js';
import { type Clock, within } from '../time/clock.js';
import type { InterruptionCause, Transport } from '../transport/transport.js';
import { BrokerPatience } from './broker-patience.js';
import { Consumer, type ConsumerEvents } from './consumer.js';
import { CrashGuard } from './crash-guard.js';
import { CrashRecords } from './crash-records.js';
import type { DeliveryEnvironment } from './delivery-environment.js';
import { DeliveryReporter } from './delivery-reporter.js';
import { type ListenerCounts, zeroCounts } from './listener-counters.js';
import type { ListenerDefinition } from './listener-definition.js';
import { type KillSwitchSnapshot, ListenerFlow } from './listener-flow.js';
import type { LoadSnapshot } from './listener-load.js';
import { LoadWatch } from './load-watch.js';
import { type PauseOptions, type PauseReport, type PauseState, resolvePause } from './pause-options.js';
import { Redeliveries, type RedeliverySnapshot } from './redeliveries.js';
import { keepsRejected } from './rejected-messages.js';
import type { ReleaseReport } from './release-waiting.js';
import { sharesChannel } from './shares-channel.js';
import { StillAtWork } from './still-at-work.js';
import { StreamPlace } from './stream-place.js';
import { PROCESS_TURNS, type SuspectTurns } from './suspect-turns.js';
import { OutcomeTeller } from './tell-outcome.js';
import { UnsentAcks } from './unsent-acks.js';

/** What a container stands on. */
export interface ListenerDependencies {
  readonly transport: Transport;
  /** For recoverers and replies. */
  readonly publisher: ReplySender;
  /** Where messages wait. Default: with those of every application that has no service. */
  readonly delayed?: DelayedPublishes;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink<DeliveryEvent | ListenerEvent>;
  /** Whose turn it is to run a message that may end the process. Default: one in this process at a time. */
  readonly suspectTurns?: SuspectTurns;
  /** What texts of errors go through before they leave the process. Default: passwords of URLs are taken out. */
  readonly redact?: Redact;
  /** Name of the application, for whoever looks at what it parked. Default: none. */
  readonly service?: string | undefined;
}

/** Where a listener is in its life. */
export type ListenerState =
  | { readonly name: 'stopped' }
  | { readonly name: 'starting'; readonly started: Promise<void> }
  | { readonly name: 'running' }
  | { readonly name: 'stopping'; readonly stopped: Promise<StopReport> }
  /** A consumer cannot come back by itself; `start()` tries again. */
  | { readonly name: 'failed'; readonly error: Error };

/** What a stop had to leave behind. */
export interface StopReport {
  /** Handlers still at work when the time was up. Their messages are delivered again. */
  readonly abandoned: number;
}

/** A listener as it stands at the moment. */
export interface ListenerSnapshot {
  readonly id: string;
  readonly queue: string;
  /** `paused`: it is running, and takes nothing. */
  readonly state: ListenerState['name'] | 'paused';
  /** Why it is paused; `undefined` when it is not. */
  readonly paused: PauseState | undefined;
  /** Handlers whose consumer the broker has at the moment, of `wanted`. */
  readonly attached: number;
  /** Handlers that are to have deliveries at the moment: `concurrency`, or none while it is paused. */
  readonly wanted: number;
  readonly concurrency: number;
  /** Consumers of the queue that the broker has at the moment for them: one for all, or one for each (`sharedChannel`). */
  readonly consumers: number;
  /** Deliveries at work or waiting in this process. */
  readonly held: number;
  /** Those of them whose handlers are at work, or that wait for another attempt. */
  readonly atWork: number;
  /** How busy its consumers are, and how much of that they only wait. */
  readonly load: LoadSnapshot;
  /** `undefined` where it has none. */
  readonly killSwitch: KillSwitchSnapshot | undefined;
  readonly counts: Readonly<ListenerCounts>;
  /** Why it is not consuming, when it is not. */
  readonly lastError: Error | undefined;
  /** How its messages wait for their redelivery, and how many do; `undefined` for a listener that does not redeliver. */
  readonly redelivery: RedeliverySnapshot | undefined;
}

/** Options of {@link ListenerContainer.stop}. */
export interface StopOptions {
  /** How long running handlers may take to end, in milliseconds. Default 25,000. */
  readonly timeoutMs?: number;
}

const DEFAULT_STOP_MS = 25_000;
/** Before the time is up the signal of running handlers fires, this long or a fifth of the time before, whichever is shorter. */
const SIGNAL_BEFORE_END_MS = 5000;
/** How long the broker may take to say what there is where messages wait. */
const DECLARE_LIMIT_MS = 10_000;
/** A broker that is blocked or gone must not hold up the shutdown. */
const CANCEL_LIMIT_MS = 5000;

/**
 * One listener: its consumers, its state, its counts. Start and stop can be called again and again, and at the same
 * time: a second call joins the first.
 */
export class ListenerContainer {
  readonly definition: ListenerDefinition;
  readonly #deps: ListenerDependencies;
  readonly #env: DeliveryEnvironment;
  readonly #counts = zeroCounts();
  readonly #stream: StreamPlace | undefined;
  readonly #flow: ListenerFlow;
  readonly #delayed: DelayedPublishes;
  readonly #redeliveries: Redeliveries;
  readonly #load: LoadWatch;
  #consumers: readonly Consumer[] = [];
  #state: ListenerState = { name: 'stopped' };
  #lastError: Error | undefined;
  #releasing: Promise<ReleaseReport> | undefined;
  /** How messages wait, as it was logged last. */
  #wayTold: string | undefined;
  /** Counts starts and stops: what finds another number has been overtaken. */
  #turn = 0;
  #cutWait: (() => void) | undefined;

  constructor(definition: ListenerDefinition, deps: ListenerDependencies) {
    this.definition = definition;
    this.#deps = deps;
    this.#stream = StreamPlace.of(definition, deps.clock, (error) => {
      logSafely(deps.logger, 'warn', { ...this.#place, err: error }, 'the place in the stream was not saved');
    });
    this.#flow = new ListenerFlow({
      definition,
      transport: deps.transport,
      clock: deps.clock,
      redact: deps.redact ?? redactUrls,
      consumers: () => this.#consumers,
      paused: ({ by, reason }, forMs) => {
        this.#emit({ type: 'listener-paused', by, reason, forMs });
        const fields = { ...this.#place, by, reason, ...(forMs === undefined ? {} : { forMs }) };
        logSafely(deps.logger, 'warn', fields, 'listener paused');
      },
      resumed: (by, pausedForMs) => {
        this.#emit({ type: 'listener-resumed', by, pausedForMs });
        logSafely(deps.logger, 'info', { ...this.#place, by, pausedForMs }, 'listener goes on');
      },
      probed: (succeeded) => this.#emit({ type: 'listener-probed', succeeded }),
      doubted: (err) => {
        const text = 'killSwitch.when() threw: the failure counts';
        logSafely(deps.logger, 'error', { ...this.#place, err }, text);
      },
    });
    this.#delayed = deps.delayed ?? new DelayedPublishes(deps.transport, DECLARE_LIMIT_MS);
    this.#redeliveries = new Redeliveries({
      definition,
      transport: deps.transport,
      sender: deps.publisher,
      delayed: this.#delayed,
      clock: deps.clock,
    });
    this.#load = new LoadWatch({ ...deps, definition });
    const { publisher: sender, logger, redact } = deps;
    const outcomes = new OutcomeTeller({ listenerId: definition.id, sender, logger, redact });
    this.#env = {
      load: this.#load.load,
      flow: this.#flow,
      crashes: this.#crashGuard(),
      definition,
      publisher: deps.publisher,
      clock: deps.clock,
      reporter: new DeliveryReporter(definition.id, this.#counts, deps.events, deps.logger, deps.clock, outcomes),
      patience: new BrokerPatience(definition.consumerTimeoutMs),
      stillAtWork: new StillAtWork(),
      unsentAcks: new UnsentAcks(deps.clock),
      rejectedKept: () =>
        keepsRejected(definition.queueDeclaration, {
          deadLetterPolicy: definition.deadLetterPolicy,
          isAsDeclared:
            deps.transport.isAsDeclared?.(definition.queue) ?? definition.queueDeclaration?.declare === 'always',
        }),
      position: this.#stream?.position,
      redact: deps.redact,
      service: deps.service,
      attempts: new RedeliveryAttempts(),
      redeliveries: this.#redeliveries,
      recoverer: { failuresInARow: 0 },
      idempotency: { failuresInARow: 0 },
    };
  }

  #crashGuard(): CrashGuard | undefined {
    const { definition } = this;
    const { transport, clock, logger } = this.#deps;
    const { crashLoop } = definition;
    if (crashLoop === undefined) return undefined;
    const { store } = crashLoop;
    const records = store && new CrashRecords(definition.id, crashLoop, store, clock, logger);
    const { suspectTurns: turns = PROCESS_TURNS } = this.#deps;
    return new CrashGuard({ definition, transport, records, turns, consumers: () => this.#consumers });
  }

  get id(): string {
    return this.definition.id;
  }

  get state(): ListenerSnapshot['state'] {
    return this.#state.name === 'running' && this.#flow.pause !== undefined ? 'paused' : this.#state.name;
  }

  inspect(): ListenerSnapshot {
    return {
      id: this.id,
      queue: this.definition.queue,
      state: this.state,
      paused: this.#flow.pause,
      attached: this.#consumers.reduce((sum, consumer) => sum + consumer.attached, 0),
      wanted: this.#flow.wanted,
      concurrency: this.definition.concurrency,
      consumers: this.#consumers.filter(({ attached }) => attached > 0).length,
      held: this.#consumers.reduce((sum, consumer) => sum + consumer.held, 0),
      atWork: this.#atWork,
      load: this.#load.snapshot(),
      killSwitch: this.#flow.killSwitch,
      counts: { ...this.#counts },
      lastError: this.#lastError,
      redelivery: this.#redeliveries.inspect(),
    };
  }

  /** Looks how many messages wait for their redelivery now. Never rejects: what cannot be told stays as it was. */
  async lookAtWaiting(): Promise<RedeliverySnapshot | undefined> {
    const lookedAt = this.#deps.clock.now();
    await this.#delayed.look(this.#redeliveries.queues, lookedAt);
    return this.#redeliveries.inspect();
  }

  /** Queues in which messages wait for their redelivery. */
  get waitingQueues(): readonly string[] {
    return this.#redeliveries.queues;
  }

  /**
   * Brings back now what waits at the broker for this listener: each message is taken out of where it waits when the broker has it
   * on its way. One may come twice when this process is killed meanwhile, none is lost. A second call joins the first.
   * @throws {LeveretError} when the broker cannot be reached; what was released before that has been
   */
  release(): Promise<ReleaseReport> {
    this.#releasing ??= this.#release().finally(() => {
      this.#releasing = undefined;
    });
    return this.#releasing;
  }

  async #release(): Promise<ReleaseReport> {
    const report = await this.#redeliveries.release();
    logSafely(this.#deps.logger, 'info', { ...this.#place, ...report }, 'waiting messages are brought back');
    return report;
  }

  /**
   * Resolves when every consumer is with the broker.
   * @throws {LeveretError} LEV_QUEUE_MISSING, LEV_CHANNEL_CLOSED and what else the transport gives as the reason
   */
  start(): Promise<void> {
    switch (this.#state.name) {
      case 'running':
        return Promise.resolve();
      case 'starting':
        return this.#state.started;
      case 'stopping':
        return this.#state.stopped.then(() => this.start());
      default: {
        const started = this.#start();
        this.#state = { name: 'starting', started };
        return started;
      }
    }
  }

  /** Cancels, lets running handlers end, gives back the rest, closes the channels. Never rejects. */
  stop(options: StopOptions = {}): Promise<StopReport> {
    switch (this.#state.name) {
      case 'stopped':
        return Promise.resolve({ abandoned: 0 });
      case 'stopping':
        return this.#state.stopped;
      default: {
        const stopped = this.#stop(options.timeoutMs ?? DEFAULT_STOP_MS);
        this.#state = { name: 'stopping', stopped };
        return stopped;
      }
    }
  }

  /** Cuts a stop short: running handlers are no longer waited for. Does nothing when the listener is not stopping. */
  hurry(): void {
    this.#cutWait?.();
  }

  /**
   * Takes nothing more until {@link resume}, or until `for` has passed: its consumers are cancelled, what runs goes on, what
   * was fetched in advance goes back to the queue where that costs nothing. It stays so over lost connections, and over a
   * stop and a start. A second pause replaces the reason and the end of the first. Resolves when nothing is at work any more,
   * or after `timeout`.
   * @throws {ConfigurationError} when an option is none
   */
  async pause(options: PauseOptions = {}): Promise<PauseReport> {
    const { reason, forMs, timeoutMs } = resolvePause(options);
    this.#flow.pauseFor(reason, forMs);
    const idle = Promise.all(this.#consumers.map((consumer) => consumer.whenIdle()));
    if (this.#atWork > 0) await within(this.#deps.clock, timeoutMs, idle, () => undefined);
    return { atWork: this.#atWork };
  }

  /** Takes deliveries again, whatever it was paused for. Does nothing when it is not paused. */
  resume(): void {
    this.#flow.resume('person');
  }

  get #atWork(): number {
    return this.#consumers.reduce((sum, { atWork }) => sum + atWork, 0);
  }

  async #start(): Promise<void> {
    const turn = ++this.#turn;
    await this.#closeConsumers();
    this.#checkTurn(turn);
    const { concurrency } = this.definition;
    const consumers = sharesChannel(this.definition, this.#deps.transport)
      ? [this.#newConsumer(concurrency)]
      : Array.from({ length: concurrency }, () => this.#newConsumer(1));
    this.#consumers = consumers;
    try {
      await this.#redeliveries.declare();
      await this.#stream?.restore();
      await Promise.all(consumers.map((consumer) => consumer.start(this.#flow.inHand)));
      // A consumer may fail right after it was ready.
      if (this.#state.name === 'failed') throw this.#state.error;
    } catch (error) {
      this.#checkTurn(turn, error);
      this.#fail(asError(error));
      await this.#closeConsumers();
      throw error;
    }
    this.#checkTurn(turn);
    this.#state = { name: 'running' };
    this.#tellWay();
    this.#emit({ type: 'listener-started' });
  }

  #tellWay(): void {
    const redelivery = this.#redeliveries.inspect();
    if (redelivery === undefined || redelivery.way === this.#wayTold) return;
    const { way, delaysMs } = redelivery;
    this.#wayTold = way;
    const text =
      way === 'native'
        ? 'what fails waits in its queue, which holds it back'
        : 'what fails waits in a queue for each delay';
    logSafely(this.#deps.logger, 'info', { ...this.#place, way, delaysMs }, text);
  }

  /** @throws {LeveretError} LEV_INVALID_STATE when a stop came in between */
  #checkTurn(turn: number, cause?: unknown): void {
    if (turn === this.#turn) return;
    const text = `Listener ${this.id} was stopped while it was starting.`;
    throw new LeveretError('LEV_INVALID_STATE', text, cause === undefined ? undefined : { cause });
  }

  #newConsumer(workers: number): Consumer {
    let before = false;
    let level: 'debug' | 'info' = 'info';
    const events: ConsumerEvents = {
      consuming: (consumerTag) => {
        this.#emit({ type: 'consuming', consumerTag, again: before });
        if (before) logSafely(this.#deps.logger, level, this.#place, 'consuming again');
        before = true;
        this.#lastError = undefined;
      },
      interrupted: (cause, error) => {
        level = cause === 'connection-lost' ? 'debug' : 'info';
        this.#interrupted(cause, error);
      },
      failed: (error) => this.#fail(error),
      overdue: () => this.#takeOneAtATime(),
      rests: () => this.#flow.rests(),
    };
    return new Consumer(this.#env, this.#deps.transport, events, workers);
  }

  /** Handlers are too slow for what is fetched in advance: what waits goes back, and no more is fetched in advance. */
  #takeOneAtATime(): void {
    const timeoutMs = this.#env.patience.timeoutMs;
    this.#emit({ type: 'intake-reduced', timeoutMs });
    const text =
      'deliveries waited so long for their turn that the broker would take them back; they are given back, and one at a time is taken from now on';
    logSafely(this.#deps.logger, 'warn', { ...this.#place, timeoutMs, prefetch: this.definition.prefetch }, text);
    for (const consumer of this.#consumers) consumer.takeOneAtATime();
  }

  #interrupted(cause: InterruptionCause, error: Error | undefined): void {
    this.#lastError = error;
    this.#emit({ type: 'interrupted', cause, error });
    const fields = { ...this.#place, cause, ...(error === undefined ? {} : { err: error }) };
    // The end of a connection has a line of its own, and would have one more for each consumer.
    const level = cause === 'connection-lost' ? 'debug' : 'warn';
    logSafely(this.#deps.logger, level, fields, 'consuming interrupted; it is being resumed');
    if (cause === 'delivery-timeout') this.#takeOneAtATime();
  }

  #fail(error: Error): void {
    this.#lastError = error;
    if (this.#state.name !== 'running' && this.#state.name !== 'starting') return;
    this.#state = { name: 'failed', error };
    this.#emit({ type: 'listener-failed', error });
    logSafely(this.#deps.logger, 'error', { ...this.#place, err: error }, 'listener failed');
  }

  async #stop(timeoutMs: number): Promise<StopReport> {
    this.#turn++;
    const { clock, logger } = this.#deps;
    const deadline = clock.monotonic() + timeoutMs;
    const cut = new Promise<void>((resolve) => {
      this.#cutWait = resolve;
    });
    await Promise.race([this.#cancelConsumers(Math.min(timeoutMs, CANCEL_LIMIT_MS)), cut]);
    await this.#drain(deadline - clock.monotonic(), Math.min(SIGNAL_BEFORE_END_MS, timeoutMs / 5), cut);
    this.#cutWait = undefined;
    const abandoned = await this.#closeConsumers();
    await this.#stream?.flush();
    this.#flow.stopped();
    this.#state = { name: 'stopped' };
    this.#emit({ type: 'listener-stopped', abandoned });
    logSafely(logger, abandoned > 0 ? 'warn' : 'info', { listener: this.id, abandoned }, 'listener stopped');
    return { abandoned };
  }

  async #cancelConsumers(limitMs: number): Promise<void> {
    const { clock } = this.#deps;
    // However cancelling ends: closing the channels comes next and does the same.
    const cancelling = this.#consumers.map((consumer) => within(clock, limitMs, consumer.cancel(), () => undefined));
    await Promise.allSettled(cancelling);
  }

  /** Waits for running handlers; fires their signals shortly before the time is up, and when the wait is cut. */
  async #drain(timeMs: number, graceMs: number, cut: Promise<void>): Promise<void> {
    const { clock } = this.#deps;
    const idle = Promise.all(this.#consumers.map((consumer) => consumer.whenIdle())).then(() => true);
    const inTime = await within(clock, Math.max(0, timeMs - graceMs), Promise.race([idle, cut]), () => false);
    if (inTime === true) return;
    for (const consumer of this.#consumers) consumer.hurry();
    await within(clock, Math.max(0, Math.min(graceMs, timeMs)), Promise.race([idle, cut]), () => false);
  }

  /** Answers how many handlers were still at work. */
  async #closeConsumers(): Promise<number> {
    const consumers = this.#consumers;
    this.#consumers = [];
    const abandoned = await Promise.all(consumers.map((consumer) => consumer.close()));
    return abandoned.reduce((sum, handlers) => sum + handlers, 0);
  }

  get #place(): { readonly listener: string; readonly queue: string } {
    return { listener: this.id, queue: this.definition.queue };
  }

  #emit(event: EventWithoutFacts): void {
    if (this.#deps.events.idle) return;
    this.#deps.events.emit({ ...event, listenerId: this.id, queue: this.definition.queue } as ListenerEvent);
  }
}

type WithoutFacts<T> = T extends unknown ? Omit<T, 'listenerId' | 'queue'> : never;
type EventWithoutFacts = WithoutFacts<ListenerEvent>;
