import { backoffDelayMs, type Duration, durationMs, logSafely, pause, within } from '@leveret/core';
import { Housekeeping } from '../cleanup/housekeeping.js';
import { type SqlDatabase, serviceOf } from '../database/sql-database.js';
import { isTransactionConflict } from '../database/sql-fault.js';
import { adoptRows } from './adopt-rows.js';
import { type OutboxRelayOptions, type ResolvedRelayOptions, resolveRelayOptions } from './relay-options.js';
import { type RelayCounters, type RelayStats, zeroCounters } from './relay-stats.js';
import { type PublicationSender, RelayStream } from './relay-stream.js';
import { CONFLICT_BACKOFF } from './settlement-writer.js';

/** Waits while nothing can be published, or the database does not answer. */
const OUTAGE_BACKOFF = { initialIntervalMs: 500, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };
/** Longest wait for room: a publish that goes without an answer makes room by becoming slow. */
const ROOM_WAIT_MS = 500;

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
 */
export class OutboxRelay<Tx> {
  readonly #database: SqlDatabase<Tx>;
  readonly #options: ResolvedRelayOptions;
  readonly #counters: RelayCounters = zeroCounters();
  readonly #stream: RelayStream;
  readonly #housekeeping: Housekeeping<Tx>;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #adopted: Promise<void> | undefined;
  #woken = false;
  #wakeFromPause: (() => void) | undefined;

  /**
   * @param sender resolves once the broker has the message in every queue, as `app.publisher` of leveret does
   * @throws {ConfigurationError} when an option is out of range, or the database does not say which service uses it
   */
  constructor(database: SqlDatabase<Tx>, sender: PublicationSender, options: OutboxRelayOptions = {}) {
    serviceOf(database);
    this.#database = database;
    this.#options = resolveRelayOptions(options);
    const counters = this.#counters;
    this.#stream = new RelayStream({
      ...this.#options,
      database: database as SqlDatabase<unknown>,
      sender,
      counters,
      onProgress: () => this.#lookAgain(),
    });
    this.#housekeeping = new Housekeeping(database, { ...this.#options, counters });
  }

  /** Begins. Calling it again does nothing; a relay that was stopped stays stopped. */
  start(): this {
    if (this.#running !== undefined || this.#stopped !== undefined) return this;
    this.#options.wakeUp?.start(() => this.wake());
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
      if (this.#stream.takeOutage()) await pause(clock, backoffDelayMs(OUTAGE_BACKOFF, ++troubles), signal);
      else if (!this.#stream.hasRoom) await this.#idle(ROOM_WAIT_MS);
      else {
        const found = await this.#look();
        conflicts = found === 'conflict' ? conflicts + 1 : 0;
        if (found === 'conflict') await pause(clock, backoffDelayMs(CONFLICT_BACKOFF, conflicts), signal);
        // A wake-up must not cut this wait short: it would come with every commit while the database is away.
        if (found === 'unreadable') await pause(clock, backoffDelayMs(OUTAGE_BACKOFF, ++troubles), signal);
        if (found === 'nothing') await this.#idle(this.#pollMs());
      }
    }
  }

  async #look(): Promise<'more' | 'nothing' | 'conflict' | 'unreadable'> {
    this.#counters.polls++;
    try {
      this.#adopted ??= adoptRows(this.#database).catch((err: unknown) => {
        this.#adopted = undefined;
        throw err;
      });
      await this.#adopted;
      return (await this.#stream.look()).more ? 'more' : 'nothing';
    } catch (err) {
      if (isTransactionConflict(err)) return 'conflict';
      this.#counters.databaseErrors++;
      logSafely(this.#options.logger, 'warn', { err }, 'the outbox could not be read');
      return 'unreadable';
    }
  }

  /** Relays that were started together should not look together. */
  #pollMs(): number {
    return this.#options.pollIntervalMs * (0.75 + Math.random() / 2);
  }

  async #idle(ms: number): Promise<void> {
    if (this.#woken || this.#stopping.signal.aborted) return;
    const woken = new AbortController();
    this.#wakeFromPause = () => woken.abort();
    await pause(this.#options.clock, ms, woken.signal);
    this.#wakeFromPause = undefined;
  }
}
