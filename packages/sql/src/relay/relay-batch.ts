import { randomUUID } from 'node:crypto';
import {
  type Clock,
  errorText,
  LeveretError,
  type Logger,
  logSafely,
  type Publication,
  pause,
  within,
} from '@leveret/core';
import { type OutboxEntry, type RawRow, readEntry, readPublication } from '../outbox/outbox-row.js';
import { decideRefusal, type RefusalPolicy, refusalText } from './decide-refusal.js';
import type { RelayRows } from './relay-rows.js';
import type { RelayCounters } from './relay-stats.js';

/** What publishes: a leveret `Publisher`, or anything that resolves once the broker has the message. */
export interface PublicationSender {
  send(publication: Publication): Promise<unknown>;
}

/** What the batches of one relay share. */
export interface BatchEnvironment {
  readonly rows: RelayRows<unknown>;
  readonly sender: PublicationSender;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: RelayCounters;
  readonly batchSize: number;
  readonly leaseMs: number;
  readonly sendTimeoutMs: number;
  readonly refusals: RefusalPolicy;
}

/** How a batch went. */
export interface BatchReport {
  readonly taken: number;
  /** Nobody could take messages: the next batch should wait. */
  readonly outage: boolean;
}

/** Waits between the tries to write down what became of a message: what is not written is published again. */
const WRITE_PAUSES_MS = [50, 200, 1000];

/** Leases rows, publishes them all at once, and writes down what became of each. Rejects only when it could not lease. */
export async function relayBatch(env: BatchEnvironment): Promise<BatchReport> {
  const token = randomUUID();
  const rows = await env.rows.lease(token, env.leaseMs, env.batchSize);
  if (rows.length === 0) return { taken: 0, outage: false };
  return new RelayBatch(env, token, rows).run();
}

class RelayBatch {
  readonly #env: BatchEnvironment;
  readonly #token: string;
  readonly #rows: readonly RawRow[];
  /** Leased, and not yet written down. */
  readonly #open = new Set<number>();
  #confirmed: number[] = [];
  #released: number[] = [];
  #writing: Promise<void> | undefined;
  #outage = false;

  constructor(env: BatchEnvironment, token: string, rows: readonly RawRow[]) {
    this.#env = env;
    this.#token = token;
    this.#rows = rows;
  }

  async run(): Promise<BatchReport> {
    for (const row of this.#rows) this.#open.add(Number(row['id']));
    const stopRenewing = this.#renewLeases();
    try {
      await Promise.all(this.#rows.map((row) => this.#relay(row)));
      while (this.#writing !== undefined) await this.#writing;
    } finally {
      stopRenewing();
    }
    return { taken: this.#rows.length, outage: this.#outage };
  }

  async #relay(row: RawRow): Promise<void> {
    const entry = readEntry(row);
    let publication: Publication;
    try {
      publication = readPublication(row);
    } catch (error) {
      await this.#park(entry, new LeveretError('LEV_MESSAGE_UNREADABLE', errorText(error), { cause: error }));
      return;
    }
    try {
      await this.#send(publication);
    } catch (error) {
      await this.#refused(entry, error);
      return;
    }
    this.#confirmed.push(entry.id);
    this.#write();
  }

  #send(publication: Publication): Promise<unknown> {
    const { clock, sender, sendTimeoutMs } = this.#env;
    const sending = Promise.resolve().then(() => sender.send(publication));
    return within(clock, sendTimeoutMs, sending, (): never => {
      throw new LeveretError('LEV_PUBLISH_CONFIRM_TIMEOUT', `The sender gave no answer within ${sendTimeoutMs} ms.`);
    });
  }

  async #refused(entry: OutboxEntry, error: unknown): Promise<void> {
    const { counters, rows, logger } = this.#env;
    const decision = decideRefusal(error, entry.failures, this.#env.refusals);
    switch (decision.kind) {
      case 'outage':
        if (!this.#outage)
          logSafely(logger, 'warn', { err: error }, 'the outbox waits: messages cannot be published now');
        this.#outage = true;
        counters.outages++;
        this.#released.push(entry.id);
        this.#write();
        return;
      case 'back-off': {
        counters.refused++;
        const { delayMs } = decision;
        logSafely(logger, 'warn', { err: error, id: entry.id, delayMs }, 'a message of the outbox was refused');
        await this.#written(() => rows.backOff(this.#token, entry, delayMs, refusalText(error)), [entry.id]);
        return;
      }
      case 'park':
        counters.refused++;
        await this.#park(entry, error);
        return;
      default:
        decision satisfies never;
    }
  }

  async #park(entry: OutboxEntry, error: unknown): Promise<void> {
    const { counters, rows, logger } = this.#env;
    const parked = await this.#written(() => rows.park(this.#token, entry, refusalText(error)), [entry.id]);
    if (parked === 0) return;
    counters.parked++;
    logSafely(
      logger,
      'error',
      { err: error, id: entry.id },
      'a message of the outbox is parked: it waits for a person',
    );
  }

  /** Writes down what has settled; what settles meanwhile goes along with the next write. */
  #write(): void {
    this.#writing ??= this.#writeSettled();
  }

  async #writeSettled(): Promise<void> {
    const { rows, counters } = this.#env;
    // Confirms come many at a time.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#confirmed.length + this.#released.length > 0) {
      const [confirmed, released] = [this.#confirmed, this.#released];
      this.#confirmed = [];
      this.#released = [];
      counters.published += confirmed.length;
      const removed = await this.#written(() => rows.remove(this.#token, confirmed), confirmed);
      counters.lostLeases += confirmed.length - removed;
      await this.#written(() => rows.release(this.#token, released), released);
    }
    // At once with the look that found nothing: what settles from now on has to begin another write.
    this.#writing = undefined;
  }

  /** Answers 0 when it could not be written; the lease then ends by itself, and the message is published again. */
  async #written(write: () => Promise<number>, ids: readonly number[]): Promise<number> {
    for (const pauseMs of [...WRITE_PAUSES_MS, undefined]) {
      try {
        const changed = await write();
        for (const id of ids) this.#open.delete(id);
        return changed;
      } catch (err) {
        this.#env.counters.databaseErrors++;
        const text = 'what became of messages of the outbox could not be written down';
        logSafely(this.#env.logger, 'warn', { err, ids: ids.length }, text);
      }
      if (pauseMs !== undefined) await pause(this.#env.clock, pauseMs);
    }
    return 0;
  }

  /** A publish may wait for minutes, as while the broker has an alarm: nobody else should publish the same meanwhile. */
  #renewLeases(): () => void {
    const { clock, leaseMs, rows, counters, logger } = this.#env;
    let cancel: () => void;
    const renewLater = () => {
      cancel = clock.after(leaseMs / 3, () => {
        void renew();
      });
    };
    const renew = async () => {
      try {
        if (this.#open.size > 0) await rows.renew(this.#token, [...this.#open], leaseMs);
      } catch (err) {
        counters.databaseErrors++;
        logSafely(logger, 'warn', { err }, 'leases of the outbox were not renewed');
      }
      if (!stopped) renewLater();
    };
    let stopped = false;
    renewLater();
    return () => {
      stopped = true;
      cancel();
    };
  }
}
