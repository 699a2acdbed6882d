import { backoffDelayMs, type Duration, durationMs, logSafely, pause, within } from '@leveret/core';
import { Housekeeping } from '../cleanup/housekeeping.js';
import { type SqlDatabase, serviceOf } from '../database/sql-database.js';
import { isTransactionConflict } from '../database/sql-fault.js';
import { ParkedRows } from '../outbox/parked-rows.js';
import { checkSessions } from '../schema/server-check.js';
import { adoptRows } from './adopt-rows.js';
import { RelayHealth } from './relay-health.js';
import { type OutboxRelayOptions, type ResolvedRelayOptions, resolveRelayOptions } from './relay-options.js';
import { type RelayCounters, type RelayStats, zeroCounters } from './relay-stats.js';
import { type PublicationSender, RelayStream } from './relay-stream.js';
import { CONFLICT_BACKOFF } from './settlement-writer.js';

/** Waits while nothing can be published, or the database does not answer. */
const OUTAGE_BACKOFF = { initialIntervalMs: 500, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };
/** Longest wait for room: a publish that goes without an answer makes room by becoming slow. */
const ROOM_WAIT_MS = 500;
/** How often it looks whether anything is parked. */
const PARKED_LOOK_MS = 60_000;

/**
 * Publishes what an {@link Outbox} holds, and deletes each message once the broker has confirmed it. Any number of relays,
 * in any number of processes, share the work: each leases the messages it is at.
 *
 * | the publish | the message |
 * |---|---|
 * | confirmed | is deleted |
 * | nacked, unroutable, no such exchange, refused, or each time the end of its channel | is tried again after 1 s, 2 s, 4 s … 5 min; parked after `maxFailures` times |
 * | no answer, while others get theirs | the same; its destination is tried with one message at a time until it answers |
 * | no connection, broker's alarm, no answer to anything | stays as it is; the relay waits, and nothing is counted against the message |
 * | this process died | is published by whoever looks first after its lease; again, perhaps, with the same id |
 *
 * With the publisher of an application it is part of that: what is amiss with it shows in its log, its events and its health.
 */
export class OutboxRelay<Tx> {
  readonly #database: SqlDatabase<Tx>;
  readonly #options: ResolvedRelayOptions;
  readonly #counters: RelayCounters = zeroCounters();
  readonly #health: RelayHealth;
  readonly #stream: RelayStream;
  readonly #housekeeping: Housekeeping<Tx>;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  readonly #parked: ParkedRows<Tx>;
  #adopted: Promise<void> | undefined;
  #parkedLookAt = Number.NEGATIVE_INFINITY;
  #woken = false;
  #wakeFromPause: (() => void) | undefined;
  /** Ends the wait after an outage: what was missing, the connection, is back. */
  #publishable = new AbortController();

  /**
   * @param sender resolves once the broker has the message in every queue, as `app.publisher` of leveret does
   * @throws {ConfigurationError} when an option is out of range, or the database does not say which service uses it
   */
  constructor(database: SqlDatabase<Tx>, sender: PublicationSender, options: OutboxRelayOptions = {}) {
    this.#database = database;
    this.#parked = new ParkedRows(database);
    this.#health = new RelayHealth(`outbox relay of ${serviceOf(database)}`, () => this.#publishable.abort());
    const resolved = resolveRelayOptions(options);
    const host = sender.attach?.(this.#health);
    this.#health.attachedTo(host);
    this.#options = { ...resolved, logger: options.logger ?? host?.logger ?? resolved.logger };
    const environment = { ...this.#options, counters: this.#counters, health: this.#health };
    this.#stream = new RelayStream({
      ...environment,
      database: database as SqlDatabase<unknown>,
      sender,
      onProgress: () => this.#lookAgain(),
    });
    this.#housekeeping = new Housekeeping(database, environment);
  }

  /** Begins. Calling it again does nothing; a relay that was stopped stays stopped. */
  start(): this {
    if (this.#running !== undefined || this.#stopped !== undefined) return this;
    this.#options.wakeUp?.start(() => this.wake(), this.#options.logger);
    this.#running = this.#run();
    this.#housekeeping.start();
    return this;
  }

  /** Says that there may be something to publish: it looks at once. For whoever knows that a transaction was committed. */
  wake(): void {
    this.#counters.wakeUps++;
    this.#lookAgain();
  }

  /** Counts since it was made. */
  get stats(): RelayStats {
    return { ...this.#counters };
  }

  /**
   * Takes no more messages, and waits until those in flight are settled and written down, at most `timeout` (default 10 s);
   * what is left then is published by another relay when its lease ends. Never rejects; can be called again.
   */
  stop(options: { readonly timeout?: Duration } = {}): Promise<void> {
    this.#stopped ??= this.#stop(durationMs(options.timeout ?? '10s', 'timeout'));
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(timeoutMs: number): Promise<void> {
    const { clock, logger, wakeUp } = this.#options;
    this.#stopping.abort();
    this.#stream.stop();
    this.#wakeFromPause?.();
    const ended = Promise.all([
      (async () => {
        await this.#running;
        await this.#stream.settled();
      })(),
      this.#housekeeping.stop(),
      wakeUp?.stop(),
    ]);
    await within(clock, timeoutMs, ended, () =>
      logSafely(
        logger,
        'warn',
        { timeoutMs },
        'the relay stopped with messages in flight: they may be published twice',
      ),
    );
    this.#stream.end();
    this.#health.detach();
  }

  #lookAgain(): void {
    this.#woken = true;
    this.#wakeFromPause?.();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    let [troubles, conflicts, published] = [0, 0, 0];
    while (!signal.aborted) {
      this.#woken = false;
      if (this.#counters.published > published) troubles = 0;
      published = this.#counters.published;
      if (this.#stream.takeOutage()) {
        const over = AbortSignal.any([signal, this.#publishable.signal]);
        await pause(clock, backoffDelayMs(OUTAGE_BACKOFF, ++troubles), over);
      } else if (!this.#stream.hasRoom) await this.#idle(ROOM_WAIT_MS);
      else {
        const found = await this.#look();
        conflicts = found === 'conflict' ? conflicts + 1 : 0;
        if (found === 'conflict') await pause(clock, backoffDelayMs(CONFLICT_BACKOFF, conflicts), signal);
        // A wake-up must not cut this wait short: it would come with every commit while the database is away.
        if (found === 'unreadable') await pause(clock, backoffDelayMs(OUTAGE_BACKOFF, ++troubles), signal);
        if (typeof found === 'number') await this.#idle(found);
      }
    }
  }

  /** Answers what it came to; for how many milliseconds to wait, when there is nothing to take. */
  async #look(): Promise<'more' | number | 'conflict' | 'unreadable'> {
    this.#counters.polls++;
    this.#publishable = new AbortController();
    try {
      this.#adopted ??= this.#adopt().catch((err: unknown) => {
        this.#adopted = undefined;
        throw err;
      });
      await this.#adopted;
      await this.#lookForParked();
      const { more, nextMs = Number.POSITIVE_INFINITY } = await this.#stream.look();
      this.#health.well('read');
      return more ? 'more' : Math.min(this.#pollMs(), nextMs);
    } catch (err) {
      if (isTransactionConflict(err)) return 'conflict';
      this.#counters.databaseErrors++;
      this.#health.amiss('read', err);
      logSafely(this.#options.logger, 'warn', { err }, 'the outbox could not be read');
      return 'unreadable';
    }
  }

  /** On sessions that commit nothing, every message would be published again and again. */
  async #adopt(): Promise<void> {
    await checkSessions(this.#database);
    await adoptRows(this.#database);
  }

  /** A person may have put them right since, or another relay may have parked some. */
  async #lookForParked(): Promise<void> {
    const now = this.#options.clock.monotonic();
    if (now < this.#parkedLookAt) return;
    const { parkings } = this.#health;
    const [first] = await this.#parked.page(1, 0);
    this.#parkedLookAt = now + PARKED_LOOK_MS;
    if (first !== undefined) this.#health.amiss('parked', first.error);
    else if (this.#health.parkings === parkings) this.#health.well('parked');
  }

  /** Relays that were started together should not look together. */
  #pollMs(): number {
    return this.#options.pollIntervalMs * (0.75 + Math.random() / 2);
  }

  async #idle(ms: number): Promise<void> {
    if (this.#woken || this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve, true);
      this.#wakeFromPause = () => {
        // Each confirm wakes it: the first is enough.
        this.#wakeFromPause = undefined;
        cancel();
        resolve();
      };
    });
    this.#wakeFromPause = undefined;
  }
}
