import { type Logger, logSafely } from '../events/logger.js';
import type { Publication } from '../message/message.js';
import type { Clock } from '../time/clock.js';
import { DeadlineTimer } from './deadline-timer.js';
import type { JobLane, PublishJob } from './publish-job.js';
import type { PublishLane } from './publish-lane.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';

/** What lanes apart work with. */
export interface LanesApartSetup {
  /** The lane of everything else. */
  readonly main: PublishLane;
  /** Makes a lane for one destination. */
  readonly open: () => PublishLane;
  /** Told of each job that was moved to such a lane. */
  readonly moved: (job: PublishJob) => void;
  readonly separates: boolean;
  readonly options: ResolvedPublisherOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Destinations of one exchange that did not answer, with lanes of their own. */
interface ExchangeApart {
  /** All of the exchange goes by this lane, once too many of its routing keys did not answer. */
  whole: PublishLane | undefined;
  readonly keys: Map<string, PublishLane>;
}

/** Lanes at a time. Each may have a channel, and a connection has 2,047 by default. */
const MAX_LANES = 100;

/** Routing keys of one exchange with a lane of their own; with more of them, the exchange is one destination. */
const MAX_KEYS = 16;

/** How long a destination without messages is remembered that did not answer. */
const REMEMBER_MS = 60_000;

/**
 * Gives destinations (exchange and routing key) that do not answer a lane, with a channel, each: so that they hold up nobody
 * else. A queue that confirms nothing, such as a quorum queue without a majority, fills the window of a channel; what is more,
 * RabbitMQ stops reading the channel, and then the connection. What goes there goes one at a time until it is confirmed again.
 *
 * 1. The oldest message in flight has no answer for a second, and there are messages to other destinations.
 * 2. The main lane goes on with a fresh channel: when that opens, the connection and the broker are well.
 * 3. What has no answer by then moves to lanes of its own, with all that is to go there.
 * 4. A lane that is empty and was answered ends; the next message to its destination goes by the main lane again.
 */
export class LanesApart {
  readonly #setup: LanesApartSetup;
  readonly #exchanges = new Map<string, ExchangeApart>();
  readonly #lanes = new Map<PublishLane, { emptySince: number | undefined }>();
  readonly #forget: DeadlineTimer;
  readonly #slowMs: number;

  constructor(setup: LanesApartSetup) {
    this.#setup = setup;
    this.#slowMs = Math.min(1_000, setup.options.confirmTimeoutMs);
    this.#forget = new DeadlineTimer(setup.clock, (now) => this.#forgetBefore(now - REMEMBER_MS));
  }

  get size(): number {
    return this.#lanes.size;
  }

  get lanes(): readonly PublishLane[] {
    return [...this.#lanes.keys()];
  }

  /** The lane of a message that comes in. */
  laneFor(publication: Publication): PublishLane {
    return (this.#lanes.size > 0 ? this.#laneOf(publication) : undefined) ?? this.#setup.main;
  }

  /** Messages of the main lane have no answer. Where there is nothing else to publish, nobody is held up by them. */
  onSlow(): void {
    const { main, options, separates } = this.#setup;
    // One at a time means that everything waits for the one.
    if (!separates || options.window === 1) return;
    const [oldest] = this.#unanswered;
    if (oldest !== undefined && main.places.some((job) => !isSameDestination(job, oldest))) main.replaceChannel();
  }

  /** The main lane goes on with a fresh channel: what had no answer on the old one is set apart. */
  onReplaced(): void {
    for (const job of this.#unanswered) {
      if (job.lane === this.#setup.main) this.#separate(job.publication, 'confirms nothing');
    }
  }

  /** The broker ended a channel because of a message: the next ones to its destination must not end that of others. */
  refused({ publication, lane }: PublishJob): void {
    if (this.#setup.separates && !lane.isApart) this.#separate(publication, 'is refused');
  }

  /** A lane has nothing to do. */
  onEmpty(emptied: JobLane): void {
    const lane = this.lanes.find((each) => each === emptied);
    const state = lane && this.#lanes.get(lane);
    if (lane === undefined || state === undefined) return;
    if (lane.isHealthy) {
      this.#remove(lane);
      return;
    }
    lane.rest();
    state.emptySince = this.#setup.clock.monotonic();
    this.#forget.arm(state.emptySince + REMEMBER_MS);
  }

  stop(): void {
    this.#forget.stop();
    this.#lanes.clear();
    this.#exchanges.clear();
  }

  /** What has had no answer for too long. */
  get #unanswered(): readonly PublishJob[] {
    return this.#setup.main.places.unansweredSince(this.#setup.clock.monotonic() - this.#slowMs);
  }

  #laneOf({ exchange, routingKey }: Publication): PublishLane | undefined {
    const apart = this.#exchanges.get(exchange);
    return apart?.whole ?? apart?.keys.get(routingKey);
  }

  #separate({ exchange, routingKey }: Publication, why: string): void {
    const apart = this.#exchanges.get(exchange) ?? { whole: undefined, keys: new Map<string, PublishLane>() };
    if (apart.whole !== undefined || apart.keys.has(routingKey) || !this.#hasPlace()) return;
    const { main, open, moved, logger } = this.#setup;
    const lane = open();
    this.#exchanges.set(exchange, apart);
    this.#lanes.set(lane, { emptySince: undefined });
    // Every queue is a destination of the default exchange: it is never one as a whole.
    const isWhole = apart.keys.size >= MAX_KEYS && exchange !== '';
    if (isWhole) apart.whole = lane;
    else apart.keys.set(routingKey, lane);
    const content = main.places.find(
      ({ publication }) => publication.exchange === exchange && (isWhole || publication.routingKey === routingKey),
    );
    for (const job of [...content.written.map((write) => write.job), ...content.waiting]) moved(job);
    lane.adopt(content);
    const fields = { exchange, ...(isWhole ? {} : { routingKey }), messages: content.written.length };
    logSafely(logger, 'warn', fields, `a destination ${why}: its messages are published apart from all others`);
  }

  #hasPlace(): boolean {
    if (this.#lanes.size < MAX_LANES) return true;
    for (const [lane, { emptySince }] of this.#lanes) {
      if (emptySince === undefined || !lane.isEmpty) continue;
      this.#remove(lane);
      return true;
    }
    return false;
  }

  #forgetBefore(time: number): void {
    for (const [lane, { emptySince }] of this.#lanes) {
      if (emptySince === undefined || !lane.isEmpty) continue;
      if (emptySince <= time) this.#remove(lane);
      else this.#forget.arm(emptySince + REMEMBER_MS);
    }
  }

  #remove(lane: PublishLane): void {
    this.#lanes.delete(lane);
    for (const [exchange, apart] of this.#exchanges) {
      if (apart.whole === lane) apart.whole = undefined;
      for (const [key, each] of apart.keys) if (each === lane) apart.keys.delete(key);
      if (apart.whole === undefined && apart.keys.size === 0) this.#exchanges.delete(exchange);
    }
    void lane.close((sent) => ({ kind: 'closed', error: new Error('the lane has ended'), sent }));
  }
}

function isSameDestination(first: PublishJob, second: PublishJob): boolean {
  const { exchange, routingKey } = first.publication;
  return exchange === second.publication.exchange && routingKey === second.publication.routingKey;
}
