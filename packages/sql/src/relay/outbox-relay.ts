import { backoffDelayMs, type Duration, durationMs, logSafely, pause, within } from '@leveret/core';
import { purge } from '../cleanup/purge.js';
import type { SqlDatabase } from '../database/sql-database.js';
import { type BatchEnvironment, type PublicationSender, relayBatch } from './relay-batch.js';
import { type OutboxRelayOptions, type ResolvedRelayOptions, resolveRelayOptions } from './relay-options.js';
import { RelayRows } from './relay-rows.js';
import { type RelayCounters, type RelayStats, zeroCounters } from './relay-stats.js';

/** Waits while nothing can be published, or the database does not answer. */
const OUTAGE_BACKOFF = { initialIntervalMs: 500, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };
const PURGE_EVERY_MS = 600_000;
/** Rows of each table at a time: publishing waits for them. */
const PURGE_BATCH = 5_000;
/** Wait when there was more: at most 10,000 rows a second. */
const PURGE_ON_MS = 500;

/**
 * Publishes what an {@link Outbox} holds, and deletes each message once the broker has confirmed it. Any number of relays,
 * in any number of processes, share the work: each leases the messages it is at.
 *
 * | the publish | the message |
 * |---|---|
 * | confirmed | is deleted |
 * | nacked, unroutable, no such exchange, refused | is tried again after 1 s, 2 s, 4 s … 5 min; parked after `maxFailures` times |
 * | no connection, broker's alarm, no answer | stays as it is; the relay waits, and nothing is counted against the message |
 * | this process died | is published by whoever looks first after its lease; again, perhaps, with the same id |
 */
export class OutboxRelay<Tx> {
  readonly #database: SqlDatabase<Tx>;
  readonly #options: ResolvedRelayOptions;
  readonly #counters: RelayCounters = zeroCounters();
  readonly #batch: BatchEnvironment;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #woken = false;
  #wakeFromPause: (() => void) | undefined;
  #purgeAt: number;

  /**
   * @param sender resolves once the broker has the message in every queue, as `app.publisher` of leveret does
   * @throws {ConfigurationError} when an option is out of range
   */
  constructor(database: SqlDatabase<Tx>, sender: PublicationSender, options: OutboxRelayOptions = {}) {
    this.#database = database;
    this.#options = resolveRelayOptions(options);
    const { clock, logger, batchSize, leaseMs, sendTimeoutMs, refusals } = this.#options;
    const rows = new RelayRows(database) as RelayRows<unknown>;
    const counters = this.#counters;
    this.#batch = { rows, sender, clock, logger, counters, batchSize, leaseMs, sendTimeoutMs, refusals };
    this.#purgeAt = clock.monotonic() + Math.random() * PURGE_EVERY_MS;
  }

  /** Begins. Calling it again does nothing; a relay that was stopped stays stopped. */
  start(): this {
    if (this.#running !== undefined || this.#stopped !== undefined) return this;
    this.#options.wakeUp?.start(() => this.wake());
    this.#running = this.#run();
    return this;
  }

  /** Says that there may be something to publish: it looks at once. For whoever knows that a transaction was committed. */
  wake(): void {
    this.#counters.wakeUps++;
    this.#woken = true;
    this.#wakeFromPause?.();
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
    this.#wakeFromPause?.();
    const ended = Promise.all([this.#running, wakeUp?.stop()]);
    await within(clock, timeoutMs, ended, () =>
      logSafely(
        logger,
        'warn',
        { timeoutMs },
        'the relay stopped with messages in flight: they may be published twice',
      ),
    );
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    for (let troubles = 0; !this.#stopping.signal.aborted; ) {
      this.#woken = false;
      this.#counters.polls++;
      let taken = 0;
      try {
        const report = await relayBatch(this.#batch);
        taken = report.taken;
        troubles = report.outage ? troubles + 1 : 0;
      } catch (err) {
        troubles++;
        this.#counters.databaseErrors++;
        logSafely(logger, 'warn', { err }, 'the outbox could not be read');
      }
      // A wake-up must not cut this wait short: it would come with every commit while the broker is away.
      if (troubles > 0) await pause(clock, backoffDelayMs(OUTAGE_BACKOFF, troubles), this.#stopping.signal);
      else {
        await this.#purgeIfDue();
        // There may be more, also of the order keys that were just published.
        if (taken === 0) await this.#idle();
      }
    }
  }

  async #idle(): Promise<void> {
    const { clock, pollIntervalMs, retentionMs } = this.#options;
    if (this.#woken || this.#stopping.signal.aborted) return;
    const woken = new AbortController();
    this.#wakeFromPause = () => woken.abort();
    // Relays that were started together should not look together.
    const pollMs = pollIntervalMs * (0.75 + Math.random() / 2);
    const purgeMs = retentionMs === undefined ? pollMs : Math.max(this.#purgeAt - clock.monotonic(), 0);
    await pause(clock, Math.min(pollMs, purgeMs), woken.signal);
    this.#wakeFromPause = undefined;
  }

  async #purgeIfDue(): Promise<void> {
    const { clock, logger, retentionMs } = this.#options;
    if (retentionMs === undefined || clock.monotonic() < this.#purgeAt) return;
    let nextMs = PURGE_EVERY_MS * (0.75 + Math.random() / 2);
    try {
      const options = { retention: retentionMs, batchSize: PURGE_BATCH, maxBatches: 1 };
      const { inbox, claims } = await purge(this.#database, options);
      this.#counters.purged += inbox + claims;
      if (Math.max(inbox, claims) >= PURGE_BATCH) nextMs = PURGE_ON_MS;
    } catch (err) {
      this.#counters.databaseErrors++;
      logSafely(logger, 'warn', { err }, 'old rows of the inbox were not deleted');
    }
    this.#purgeAt = clock.monotonic() + nextMs;
  }
}
