import type { Clock } from '../time/clock.js';
import { DeadlineTimer } from './deadline-timer.js';
import type { JobSettlement } from './job-settlement.js';
import type { LanePlaces } from './lane-places.js';
import type { PublishWrite } from './publish-job.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import type { PublisherStats } from './publisher-stats.js';
import type { WaitLimits } from './wait-limits.js';

/** The places in which a job of a lane waits with a deadline, and who ends the wait. */
export interface PublishDeadlinesSetup {
  readonly clock: Clock;
  readonly options: ResolvedPublisherOptions;
  readonly stats: PublisherStats;
  readonly settlement: JobSettlement;
  readonly limits: WaitLimits;
  readonly places: LanePlaces;
  /** Whether the lane is for one destination that has not answered. */
  readonly isApart: boolean;
  /** Told of a confirm that did not come. */
  readonly onTimeout: () => void;
  /** Told when the oldest message in flight has had no answer for {@link slowAfterMs}; it is asked again as long later. */
  readonly onSlow: () => void;
  /** Told after waits have ended: there may be room. */
  readonly onExpired: () => void;
}

/** No healthy queue takes longer to confirm. */
const SLOW_MS = 1_000;

/** A broker that cannot bear a message says so as soon as it reads it: who has not ended anything by then is not to blame. */
const SUSPECT_MS = 500;

/**
 * Ends what has waited too long: for its confirm, or for a connection that takes it. Whoever puts a job where it waits says
 * when to look again.
 */
export class PublishDeadlines {
  readonly #setup: PublishDeadlinesSetup;
  readonly #timer: DeadlineTimer;
  readonly #slowAfterMs: number;

  constructor(setup: PublishDeadlinesSetup) {
    this.#setup = setup;
    this.#timer = new DeadlineTimer(setup.clock, (now) => this.#expire(now));
    this.#slowAfterMs = Math.min(SLOW_MS, setup.options.confirmTimeoutMs);
  }

  /** Looks at `due` (on the monotonic clock) at the latest; never for `Infinity`. */
  arm(due: number): void {
    if (due !== Number.POSITIVE_INFINITY) this.#timer.arm(due);
  }

  /** Looks in time for a message that was just written. */
  written({ at, job }: PublishWrite): void {
    this.#timer.arm(at + (job.suspicion === 'none' ? this.#slowAfterMs : SUSPECT_MS));
  }

  stop(): void {
    this.#timer.stop();
  }

  #expire(now: number): void {
    const { limits, settlement, isApart } = this.#setup;
    const { inFlight, suspects, queue } = this.#setup.places;
    limits.isBlocked(now);
    for (const write of inFlight.takeWhile(({ at }) => limits.confirmDeadline(at) <= now)) {
      this.#setup.stats.confirmTimeouts++;
      this.#setup.onTimeout();
      const error = new Error(`no confirm came within ${this.#setup.options.confirmTimeoutMs} ms`);
      settlement.failed(write.job, { kind: 'confirm-timeout', error, sent: true, stuck: isApart });
    }
    for (const list of [suspects, queue]) {
      const due = list.takeWhile(({ since }) => limits.queueDeadline(since) <= now);
      for (const job of due) settlement.failed(job, limits.failure());
      if (list.head !== undefined) this.arm(limits.queueDeadline(list.head.since));
    }
    this.#lookAtOldest(now);
    this.#setup.onExpired();
  }

  #lookAtOldest(now: number): void {
    const oldest = this.#setup.places.inFlight.head;
    if (oldest === undefined) return;
    const { at } = oldest;
    this.#setup.places.acquit(now - SUSPECT_MS);
    const isSlow = at + this.#slowAfterMs <= now;
    if (isSlow) this.#setup.onSlow();
    const next = isSlow ? now + this.#slowAfterMs : at + this.#slowAfterMs;
    this.arm(Math.min(next, this.#setup.limits.confirmDeadline(at)));
  }
}
