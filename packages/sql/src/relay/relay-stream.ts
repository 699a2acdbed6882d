import { randomUUID } from 'node:crypto';
import {
  type ApplicationPart,
  type Clock,
  errorText,
  forLimits,
  LeveretError,
  type Logger,
  logSafely,
  type PartHost,
  type Publication,
  within,
} from '@leveret/core';
import type { SqlDatabase } from '../database/sql-database.js';
import { type OutboxEntry, type RawRow, readEntry, readKey, readPublication } from '../outbox/outbox-row.js';
import type { Room } from './choose-rows.js';
import { decideRefusal, isOutage, isUnanswered, type RefusalPolicy, refusalText } from './decide-refusal.js';
import { Lanes } from './lanes.js';
import { LeaseRenewal } from './lease-renewal.js';
import { destinationOf, type Leased, leaseRows } from './lease-rows.js';
import type { RelayHealth } from './relay-health.js';
import { settleRows } from './relay-rows.js';
import type { RelayCounters } from './relay-stats.js';
import { type RowInHand, RowsInHand } from './rows-in-hand.js';
import { SettlementWriter } from './settlement-writer.js';

/** What publishes: a leveret `Publisher`, or anything that resolves once the broker has the message. */
export interface PublicationSender {
  send(publication: Publication): Promise<unknown>;
  /** Makes the relay part of the application whose publisher this is; `undefined` when it is of none. */
  attach?(part: ApplicationPart): PartHost | undefined;
}

/** What a stream works with. */
export interface StreamEnvironment {
  readonly database: SqlDatabase<unknown>;
  readonly sender: PublicationSender;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: RelayCounters;
  readonly batchSize: number;
  readonly batchBytes: number;
  readonly leaseMs: number;
  readonly sendTimeoutMs: number;
  readonly refusals: RefusalPolicy;
  readonly health: RelayHealth;
  /** There is room again, or rows have become due. */
  onProgress?(): void;
}

/** How a look went. */
export interface Look {
  readonly taken: number;
  /** There may be more to take, as soon as there is room. */
  readonly more: boolean;
  /** Nothing is due: milliseconds until something will be, where there is anything. */
  readonly nextMs: number | undefined;
}

/** Looks between two turns of the event loop that are waited for. */
const LOOKS_PER_TURN = 4;
/** Most rows that are looked at when most of what is due waits behind something else. */
const MOST_LOOKED_AT = 4_000;
/** How long such a look may take: fresh rows have their turn from one to the next. */
const LONG_LOOK_MS = 150;

/**
 * Messages on their way: leases rows as there is room, sends each, and writes down what became of it. What is confirmed makes
 * room at once; what has no answer for long stands aside, and takes no room from others. Rows of an order key are sent one
 * behind the other.
 */
export class RelayStream {
  readonly #env: StreamEnvironment;
  /** For limits: a broker that is well answers long before, and one that is not keeps no process alive. */
  readonly #limits: Clock;
  /** Nobody else has it: what is leased with it is this stream's. */
  readonly #token = randomUUID();
  readonly #hand: RowsInHand;
  /** Rows of each order key behind the one that is being sent. */
  readonly #waiting = new Map<string, RowInHand[]>();
  readonly #lanes: Lanes;
  readonly #writer: SettlementWriter;
  readonly #renewal: LeaseRenewal;
  #lookAt = 0;
  #looks = 0;
  #outage = false;
  #stopping = false;

  constructor(env: StreamEnvironment) {
    this.#env = env;
    this.#limits = forLimits(env.clock);
    this.#hand = new RowsInHand(env);
    this.#renewal = new LeaseRenewal(env, this.#token, this.#hand);
    this.#lanes = new Lanes(env.batchSize);
    this.#writer = new SettlementWriter({
      ...env,
      settle: (settlement) => settleRows(env.database, this.#token, settlement, env.batchSize),
      onWritten: (ids) => this.#letGo(ids),
    });
  }

  /** Whether a look would be worth its while: there is room for a quarter of what may be in hand. */
  get hasRoom(): boolean {
    return this.#room().rows >= Math.max(1, this.#env.batchSize / 4);
  }

  /** Leases what there is room for, and begins to send it. Rejects when the database does not answer. */
  async look(): Promise<Look> {
    const { clock, database, leaseMs } = this.#env;
    // A database and a sender that answer without a turn of the event loop would let nobody else have one.
    if (++this.#looks % LOOKS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    // On SQLite both share a commit.
    this.#writer.writeNow();
    const askedAt = clock.monotonic();
    const room = this.#room().rows;
    const deep = this.#lookAt > 0;
    const lookAt = Math.max(room, this.#lookAt);
    const lease = { token: this.#token, leaseMs, lookAt, lookAtLast: deep ? room : 0 };
    const leased = await leaseRows(
      database,
      lease,
      () => this.#room(),
      (destination) => this.#lanes.allowance(destination, askedAt),
    );
    this.#lookAt = this.#nextLookAt(lookAt, leased, clock.monotonic() - askedAt);
    for (const row of leased.rows) this.#take(row, askedAt + leaseMs);
    this.#renewal.begin();
    const deeper = !deep && this.#lookAt > 0;
    const more = deeper || leased.rows.length + leased.moved > 0;
    return { taken: leased.rows.length, more, nextMs: leased.nextMs };
  }

  /** Most of what is due may wait behind something else, as behind a parked row: it is put aside in larger steps. */
  #nextLookAt(lookedAt: number, { rows, due, full }: Leased, tookMs: number): number {
    if (due < lookedAt || rows.length >= due / 2) return 0;
    if (full) return lookedAt;
    return tookMs > LONG_LOOK_MS ? Math.ceil(lookedAt / 2) : Math.min(lookedAt * 2, MOST_LOOKED_AT);
  }

  /** Whether messages could not be sent, for want of a connection or of any answer, since this was asked last. */
  takeOutage(): boolean {
    const outage = this.#outage;
    this.#outage = false;
    return outage;
  }

  /** Takes nothing more, and sends nothing more that waits behind another. */
  stop(): void {
    this.#stopping = true;
  }

  /** Resolves when all that is on its way is settled and written down. */
  settled(): Promise<void> {
    return this.#hand.emptied();
  }

  /** What is in hand now is left to whoever looks when its lease ends. */
  end(): void {
    this.#renewal.end();
  }

  #room(): Room {
    // What an outage has given back is not to be taken again by a look that began before.
    if (this.#stopping || this.#outage) return { rows: 0, bytes: 0, empty: false };
    return this.#hand.room(this.#lanes.slow(this.#env.clock.monotonic()));
  }

  #take(row: RawRow, leasedUntil: number): void {
    const { id, attempts, failures } = readEntry(row);
    const known = this.#hand.get(id);
    // Its lease had ended, and this stream has it again: it is on its way.
    if (known !== undefined) {
      known.leasedUntil = leasedUntil;
      return;
    }
    const key = readKey(row);
    const size = Number(row['size']);
    const held: RowInHand = { id, attempts, failures, key, destination: destinationOf(row), size, row, leasedUntil };
    this.#hand.add(held);
    const waiting = key === undefined ? undefined : this.#waiting.get(key);
    if (waiting !== undefined) waiting.push(held);
    else {
      if (key !== undefined) this.#waiting.set(key, []);
      this.#send(held);
    }
  }

  #send(held: RowInHand): void {
    const { clock, sender, sendTimeoutMs } = this.#env;
    let publication: Publication;
    try {
      publication = readPublication(held.row ?? {});
    } catch (error) {
      this.#holdUp(held);
      this.#park(held, new LeveretError('LEV_MESSAGE_UNREADABLE', errorText(error), { cause: error }));
      return;
    }
    this.#lanes.sent(held.destination, held.id, clock.monotonic());
    // One that throws instead of rejecting is no different.
    const sending = (async () => sender.send(publication))();
    within(this.#limits, sendTimeoutMs, sending, (): never => {
      throw new LeveretError('LEV_PUBLISH_CONFIRM_TIMEOUT', `The sender gave no answer within ${sendTimeoutMs} ms.`);
    }).then(
      () => this.#confirmed(held),
      (error: unknown) => this.#failed(held, error),
    );
  }

  #confirmed(held: RowInHand): void {
    this.#lanes.answered(held.destination, held.id, this.#env.clock.monotonic());
    this.#env.health.well('publish');
    const { key } = held;
    if (key !== undefined && !this.#sendNext(key)) this.#writer.add('keys', key);
    this.#hand.settle(held.id);
    this.#writer.add('confirmed', held.id);
    this.#env.onProgress?.();
  }

  /** Sends the next one of a key, when there is one in hand and it still is this stream's. */
  #sendNext(key: string): boolean {
    const waiting = this.#waiting.get(key);
    const next = waiting?.shift();
    if (next === undefined) {
      this.#waiting.delete(key);
      return false;
    }
    if (this.#stopping) {
      this.#giveBack(next, 0);
      return true;
    }
    // Nobody could renew it, and somebody else may be at it: this one and those behind are left alone.
    if (this.#env.clock.monotonic() >= next.leasedUntil) {
      this.#env.counters.lostLeases++;
      this.#waiting.delete(key);
      this.#letGo([next, ...(waiting ?? [])].map(({ id }) => id));
      return true;
    }
    this.#send(next);
    return true;
  }

  #failed(held: RowInHand, error: unknown): void {
    const { counters, logger, clock, refusals } = this.#env;
    const { pauseMs, othersAnswered } = this.#heard(held, error, clock.monotonic());
    const decision = decideRefusal(error, held.failures, othersAnswered, refusals);
    switch (decision.kind) {
      case 'outage':
        if (!this.#outage)
          logSafely(logger, 'warn', { err: error }, 'the outbox waits: messages cannot be published now');
        this.#outage = true;
        this.#env.health.amiss('publish', error);
        counters.outages++;
        this.#giveBack(held, pauseMs);
        return;
      case 'later':
        this.#giveBack(held, Math.max(pauseMs, decision.delayMs));
        return;
      case 'back-off': {
        counters.refused++;
        const { delayMs } = decision;
        logSafely(logger, 'warn', { err: error, id: held.id, delayMs }, 'a message of the outbox was refused');
        this.#holdUp(held);
        this.#writer.add('refused', { id: held.id, delayMs, error: refusalText(error) });
        return;
      }
      case 'park':
        counters.refused++;
        this.#holdUp(held);
        this.#park(held, error);
        return;
      default:
        decision satisfies never;
    }
  }

  /** Keeps account of what a failure says of the destination. */
  #heard({ destination, id }: RowInHand, error: unknown, now: number): { pauseMs: number; othersAnswered: boolean } {
    if (isUnanswered(error)) return this.#lanes.silent(destination, id, now);
    if (isOutage(error)) this.#lanes.forgotten(destination, id);
    else this.#lanes.answered(destination, id, now);
    return { pauseMs: 0, othersAnswered: true };
  }

  #park(entry: OutboxEntry, error: unknown): void {
    const text = 'a message of the outbox is parked: it waits for a person';
    logSafely(this.#env.logger, 'error', { err: error, id: entry.id }, text);
    this.#writer.add('refused', { id: entry.id, delayMs: 'never', error: refusalText(error) });
  }

  #giveBack(held: RowInHand, delayMs: number): void {
    this.#holdUp(held);
    this.#writer.add('released', { id: held.id, delayMs });
  }

  /** What waits behind a row of a key that was not confirmed goes on waiting, in the table. */
  #holdUp({ key }: RowInHand): void {
    if (key === undefined) return;
    const behind = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    if (behind.length > 0) this.#writer.add('aside', ...behind.map(({ id }) => id));
  }

  #letGo(ids: readonly number[]): void {
    this.#hand.remove(ids);
    this.#env.onProgress?.();
  }
}
