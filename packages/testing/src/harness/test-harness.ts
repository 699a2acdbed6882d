import type { Broker } from '@leveret/broker';
import {
  type Channel,
  type Clock,
  type Duration,
  durationMs,
  type Publishable,
  type PublishableInstance,
} from '@leveret/core';
import type { Leveret, PublishOptions, PublishReceipt } from 'leveret';
import type { BrokerSide } from '../broker/broker-side.js';
import { EmbeddedSide } from '../broker/embedded-side.js';
import { RealSide } from '../broker/real-side.js';
import { HarnessError } from '../errors/harness-error.js';
import { NotSettledError } from '../errors/not-settled-error.js';
import type { DeliveryRecord } from '../watch/delivery-record.js';
import { Journal } from '../watch/journal.js';
import type { AnyClass } from './any-class.js';
import { Application } from './application.js';
import { checkTurns } from './check-turns.js';
import { closeApplication } from './close-application.js';
import type { ExpectedFailure } from './expected-failures.js';
import { FailureLedger } from './failure-ledger.js';
import {
  type HarnessOptions,
  MANAGEMENT_URL_VARIABLE,
  type ResolvedHarnessOptions,
  resolveHarnessOptions,
} from './harness-options.js';
import { ListenerProbe, type MethodName, type ProbeOf } from './listener-probe.js';
import { QueueProbe } from './queue-probe.js';
import { inRealTime } from './real-time.js';
import { RestWatch } from './rest-watch.js';
import { byClass, byIds } from './select-deliveries.js';

/** Options of {@link TestHarness.settled}. */
export interface SettledOptions {
  /** How long it may take, in real time. Default: the `timeout` of the harness. */
  readonly timeout?: Duration;
  /**
   * Go on until no delivery waits for a retry: the embedded broker's time is moved from one retry to the next, a real
   * one is waited for. Default `false`: what waits for time to pass is settled.
   */
  readonly includeRetries?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a function that handles messages takes anything
type AnyCall = (...given: any[]) => unknown;

/** How long a start may take. */
const START_LIMIT_MS = 20_000;
/**
 * An application under test, with a broker of its own: publish, wait until everything is settled, look at what happened.
 *
 * ```ts
 * await using harness = await TestHarness.start({ listeners: [PayStatusListener], overrides: [[OrderService, orders]] });
 * await harness.publish('pay.direct', 'pay.success', { orderId: 7 });
 * await harness.settled();
 * expect(harness.listener(PayStatusListener, 'onPaySucceeded').outcomes).to.deep.equal(['handled']);
 * ```
 *
 * The clock of the application and of the embedded broker is one, and stands still until {@link advance} moves it.
 */
export class TestHarness implements AsyncDisposable {
  readonly #options: ResolvedHarnessOptions;
  readonly #side: BrokerSide;
  readonly #journal: Journal;
  readonly #application: Application;
  readonly #failures: FailureLedger;
  readonly #rest: RestWatch;
  #closed: Promise<void> | undefined;

  private constructor(options: ResolvedHarnessOptions, side: BrokerSide) {
    this.#options = options;
    this.#side = side;
    const journal = new Journal();
    this.#journal = journal;
    this.#application = new Application(options.application, options.overrides, side, journal);
    this.#failures = new FailureLedger(journal.failures, options.expected);
    this.#rest = new RestWatch({ side, journal, application: this.#application, failures: this.#failures });
  }

  /**
   * Starts a broker (or connects to a real one) and the application. When it rejects, nothing is left behind.
   * @throws {ConfigurationError} with every fault of the options, of the harness or of leveret
   * @throws {LeveretError} what else `Leveret.start` throws
   * @throws {HarnessError} when the container is in use by another harness, or `nextTick` or `queueMicrotask` is faked
   */
  static async start(options: HarnessOptions = {}): Promise<TestHarness> {
    const harness = await TestHarness.prepare(options);
    await harness.begin();
    return harness;
  }

  /**
   * The first half of {@link start}, for frameworks that have a life cycle of their own: the broker is there, and the application
   * has been made, but nothing of it is read or opened before {@link begin}. Listeners that the options hold by then are started.
   * @throws as {@link start} does
   */
  static async prepare(options: HarnessOptions = {}): Promise<TestHarness> {
    const resolved = resolveHarnessOptions(options);
    await checkTurns();
    const { broker, application } = resolved;
    const side =
      'url' in broker
        ? await RealSide.start(broker.url, application.management?.url ?? process.env[MANAGEMENT_URL_VARIABLE])
        : await EmbeddedSide.start(broker.options);
    try {
      return new TestHarness(resolved, side);
    } catch (error) {
      await side.close();
      throw error;
    }
  }

  /** The second half of {@link start}: starts the application. When it rejects, nothing is left behind. */
  async begin(): Promise<void> {
    try {
      const started = this.#application.start();
      await inRealTime(START_LIMIT_MS, started, () => new HarnessError(`no start within ${START_LIMIT_MS} ms`));
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  /** The application: its publisher, its listeners, its container. */
  get app(): Leveret {
    return this.#application.leveret;
  }

  /** Whether the broker is the embedded one. */
  get embedded(): boolean {
    return this.#side.kind === 'embedded';
  }

  /** Where the broker is, for other clients. */
  get url(): string {
    return this.#side.url;
  }

  /**
   * The embedded broker.
   * @throws {HarnessError} on a real one
   */
  get broker(): Broker {
    return this.#embedded('broker').broker;
  }

  /**
   * Faults on order, such as `harness.faults.cutConnections()`.
   * @throws {HarnessError} on a real broker
   */
  get faults(): Broker['faults'] {
    return this.#embedded('faults').broker.faults;
  }

  /** Time as the application sees it, for what a test makes itself. */
  get clock(): Clock {
    return this.#side.clock;
  }

  /** Publishes a payload through a channel as the application does, and resolves when the broker has it. */
  publish<T>(channel: Channel<T>, payload: Publishable<NoInfer<T>>, options?: PublishOptions): Promise<PublishReceipt>;
  /** Publishes a payload as the application does, and resolves when the broker has it. */
  publish<T>(
    exchange: string,
    routingKey: string,
    payload: Publishable<T>,
    options?: PublishOptions,
  ): Promise<PublishReceipt>;
  /** Publishes an instance of a class that says itself where it goes, by `@PublishTo`. */
  publish<T extends object>(payload: PublishableInstance<T>, options?: PublishOptions): Promise<PublishReceipt>;
  async publish(...args: unknown[]): Promise<PublishReceipt> {
    await checkTurns();
    const { publisher } = this.app;
    const published = (publisher.publish as (...args: unknown[]) => Promise<PublishReceipt>).apply(publisher, args);
    const { timeoutMs } = this.#options;
    return inRealTime(timeoutMs, published, () => {
      const hint = this.embedded
        ? ' Its next attempt and its time limits come with harness.advance(): start the publish, advance, then await it.'
        : '';
      return new NotSettledError(`A publish was not confirmed within ${timeoutMs} ms.${hint}`, this.#rest.texts);
    });
  }

  /**
   * Resolves when nothing more happens unless time passes: no message is ready for a listener, no handler and no schedule is running, no
   * confirm is outstanding, and every consumer is there.
   * @throws {NotSettledError} when that takes longer than the timeout; the text names what is going on
   * @throws {HandlerFailuresError} with failures that the test did not expect
   */
  async settled(options: SettledOptions = {}): Promise<void> {
    const timeoutMs = options.timeout === undefined ? this.#options.timeoutMs : durationMs(options.timeout, 'timeout');
    await checkTurns();
    await this.#rest.settled(timeoutMs, options.includeRetries ?? false);
    this.#throwUnexpected();
  }

  /**
   * Lets time pass for the application and its broker at once: back-offs, TTLs, timeouts and schedules come due in their
   * order, and what each of them starts goes as far as it can before the next. A handler that does nothing observable for
   * 100 ms, in which this process ran, is not waited for any longer. On a real broker it really waits, and refuses to for more than 5 s.
   * @throws {HandlerFailuresError} with failures that the test did not expect
   * @throws {HarnessError} when a real broker would have to be waited for too long
   * @throws {NotSettledError} when it takes more than 20 s of real time
   */
  async advance(duration: Duration): Promise<void> {
    await checkTurns();
    await this.#rest.advance(duration);
    this.#throwUnexpected();
  }

  /**
   * Says that failures are meant: all of them, or those with a text, of a class, or that a function knows. Holds for what
   * happened before and was not reported yet, and for the rest of the test.
   */
  expectFailures(expected?: ExpectedFailure): void {
    this.#failures.expect(expected);
  }

  /** What happened to a listener, by its id. */
  listener(id: string): ListenerProbe;
  /** What happened to all listeners of a class. */
  listener<T extends object>(listenerClass: AnyClass<T>): ListenerProbe;
  /** What happened to one method of a class, with the types of its parameters and its result. */
  listener<T extends object, K extends MethodName<T>>(listenerClass: AnyClass<T>, method: K): ProbeOf<T[K]>;
  /** What happened to a function that `listener(...)` made, with the types of its parameters and its result. */
  listener<Call extends AnyCall>(declared: Call): ProbeOf<Call>;
  listener(given: string | AnyClass | AnyCall, method?: string): ListenerProbe {
    const chosen = this.#choose(given, method);
    return new ListenerProbe(() => this.#journal.records.filter(chosen));
  }

  #choose(given: string | AnyClass | AnyCall, method: string | undefined): (record: DeliveryRecord) => boolean {
    if (typeof given === 'string') return byIds(new Set([this.app.listeners.get(given).id]));
    const listeners = this.#options.application.listeners ?? [];
    const ids = given.prototype === undefined && listeners.includes(given) ? this.#application.idsOf(given) : undefined;
    return ids === undefined ? byClass(given as AnyClass, method, listeners, this.#application) : byIds(ids);
  }

  /** A queue of the broker, such as the one where failed messages are parked. */
  queue(name: string): QueueProbe {
    return new QueueProbe(name, this.#side);
  }

  /**
   * Closes the application and the broker; nothing keeps the process alive afterwards. A second call joins the first.
   * @throws {HandlerFailuresError} with failures that the test did not expect and was not told of
   * @throws {NotSettledError} when handlers were still running, and the test was not told of that
   */
  close(): Promise<void> {
    this.#closed ??= checkTurns().then(
      () => this.#close(),
      (error) => {
        // When they are real again, it can be closed.
        this.#closed = undefined;
        throw error;
      },
    );
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const abandoned = await this.#end();
    this.#throwUnexpected();
    if (abandoned.length > 0) {
      throw new NotSettledError('Still at work when the harness was closed:', abandoned);
    }
  }

  /** Answers what was left behind. */
  async #end(): Promise<readonly string[]> {
    const abandoned: string[] = [];
    const closed = await closeApplication(this.app, this.#side, this.#options.timeoutMs, () => {
      abandoned.push(...this.#rest.untold);
    });
    if (!closed) abandoned.push('the application itself does not close');
    this.#application.release();
    await this.#side.close();
    return abandoned;
  }

  #throwUnexpected(): void {
    const unexpected = this.#failures.takeUnexpected();
    if (unexpected !== undefined) throw unexpected;
  }

  #embedded(what: string): EmbeddedSide {
    if (this.#side instanceof EmbeddedSide) return this.#side;
    throw new HarnessError(
      `${what} needs the embedded broker, and this test runs on a real one. Start the harness with broker: 'embedded', or skip the test unless harness.embedded`,
    );
  }
}
