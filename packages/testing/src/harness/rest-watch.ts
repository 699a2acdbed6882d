import { type Duration, durationMs } from '@leveret/core';
import type { BrokerSide } from '../broker/broker-side.js';
import { NotSettledError } from '../errors/not-settled-error.js';
import { type Busy, untilAtRest } from '../rest/until-at-rest.js';
import { whyBusy } from '../rest/why-busy.js';
import type { Journal } from '../watch/journal.js';
import type { Application } from './application.js';
import type { FailureLedger } from './failure-ledger.js';

/** How long `advance` waits for a handler that does nothing observable before it lets time go on without it. */
const GRACE_MS = 100;
/** How long one `advance` may take in all. */
const ADVANCE_LIMIT_MS = 20_000;

/** What a watch looks at. */
export interface RestWatchSetup {
  readonly side: BrokerSide;
  readonly journal: Journal;
  readonly application: Application;
  readonly failures: FailureLedger;
}

/** Knows what is going on in an application under test, waits until nothing is, and lets its time pass. */
export class RestWatch {
  readonly #side: BrokerSide;
  readonly #journal: Journal;
  readonly #application: Application;
  readonly #failures: FailureLedger;
  /** What was going on when the test was told that it is not settled. */
  readonly #told = new Set<unknown>();

  constructor(setup: RestWatchSetup) {
    this.#side = setup.side;
    this.#journal = setup.journal;
    this.#application = setup.application;
    this.#failures = setup.failures;
  }

  /** @throws {NotSettledError} when that takes longer than `timeoutMs` of real time */
  async settled(timeoutMs: number, includeRetries: boolean): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const left = await this.#rest(endMs, includeRetries && this.#side.kind === 'real');
      if (left.length > 0) throw this.#notSettled(`Not settled within ${timeoutMs} ms:`, left);
      const waits = includeRetries && this.#journal.hasWaiting;
      if (!waits || !this.#side.step(Number.POSITIVE_INFINITY)) return;
      if (performance.now() > endMs) throw this.#notSettled(`Not settled within ${timeoutMs} ms:`, this.#busy(true));
    }
  }

  /**
   * Lets time pass in steps, from one thing that is due to the next.
   * @throws {HarnessError} when a real broker would have to be waited for too long
   * @throws {NotSettledError} when it takes more than 20 s of real time
   */
  async advance(duration: Duration): Promise<void> {
    const ms = durationMs(duration, 'duration');
    this.#side.checkAdvance(ms);
    const until = this.#side.clock.monotonic() + ms;
    const endMs = performance.now() + ADVANCE_LIMIT_MS;
    const tolerated = new Set<unknown>();
    const rest = async () => {
      for (const { key } of await this.#rest(endMs, false, tolerated)) tolerated.add(key);
    };
    await rest();
    while (this.#side.step(until)) {
      await rest();
      if (performance.now() < endMs) continue;
      throw this.#notSettled(`Not advanced by ${duration} within ${ADVANCE_LIMIT_MS} ms:`, this.#busy());
    }
    await this.#side.pass(until);
    await rest();
  }

  /** What is going on, for a person. */
  get texts(): readonly string[] {
    return this.#busy().map(({ text }) => text);
  }

  /** Code of the user that is running, and of which no error has told the test. */
  get untold(): readonly string[] {
    const untold = this.#busy().filter(({ key, atWork }) => atWork === true && !this.#told.has(key));
    return untold.map(({ text }) => text);
  }

  #rest(endMs: number, includeRetries: boolean, tolerated?: ReadonlySet<unknown>): Promise<readonly Busy[]> {
    return untilAtRest({
      look: () => this.#busy(includeRetries),
      activity: () => this.#journal.activity,
      quietMs: this.#side.quietMs,
      endMs,
      ...(tolerated && { tolerated, graceMs: Math.max(GRACE_MS, this.#side.quietMs) }),
    });
  }

  #busy(includeRetries = false): readonly Busy[] {
    const { consumers, publishes } = this.#journal;
    const { leveret, connectionName, nameOf } = this.#application;
    return whyBusy({
      health: leveret.health(),
      schedules: leveret.schedules.inspect(),
      consumers,
      publishes,
      held: leveret.publisher.stats.held,
      broker: this.#side.facts(connectionName),
      includeRetries,
      nameOf,
    });
  }

  #notSettled(what: string, left: readonly Busy[]): NotSettledError {
    const cause = this.#failures.takeUnexpected();
    for (const { key } of left) this.#told.add(key);
    const texts = left.map(({ text }) => text);
    return new NotSettledError(what, texts, cause === undefined ? undefined : { cause });
  }
}
