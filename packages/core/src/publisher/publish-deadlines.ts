import type { Clock } from '../time/clock.js';
import { DeadlineTimer } from './deadline-timer.js';
import type { HeldBack } from './held-back.js';
import type { JobList } from './job-list.js';
import type { JobSettlement } from './job-settlement.js';
import type { PublishBuffer } from './publish-buffer.js';
import type { PublishJob } from './publish-job.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import type { PublisherStats } from './publisher-stats.js';

/** The places in which a job waits with a deadline, and who ends the wait. */
export interface PublishDeadlinesSetup {
  readonly clock: Clock;
  readonly options: ResolvedPublisherOptions;
  readonly stats: PublisherStats;
  readonly settlement: JobSettlement;
  readonly heldBack: HeldBack;
  readonly inFlight: JobList;
  readonly suspects: JobList;
  readonly queue: JobList;
  readonly buffer: PublishBuffer;
  /** Told after waits have ended: there may be room. */
  readonly onExpired: () => void;
}

/**
 * Ends what has waited too long: for its confirm, for a connection that takes it, or for room in the buffer. Whoever puts a
 * job where it waits says when to look again.
 */
export class PublishDeadlines {
  readonly #setup: PublishDeadlinesSetup;
  readonly #timer: DeadlineTimer;

  constructor(setup: PublishDeadlinesSetup) {
    this.#setup = setup;
    this.#timer = new DeadlineTimer(setup.clock, (now) => this.#expire(now));
  }

  /** Looks at `due` (by the monotonic clock) at the latest; never for `Infinity`. */
  arm(due: number): void {
    if (due !== Number.POSITIVE_INFINITY) this.#timer.arm(due);
  }

  stop(): void {
    this.#timer.stop();
  }

  #expire(now: number): void {
    const { heldBack, settlement, buffer, options, stats } = this.#setup;
    const { confirmTimeoutMs } = options;
    const { waitTimeoutMs } = options.buffer;
    heldBack.isBlocked(now);
    for (const job of this.#due(this.#setup.inFlight, now, (since) => heldBack.confirmDeadline(since))) {
      stats.confirmTimeouts++;
      if (job.slot !== undefined) job.slot.abandoned++;
      const error = new Error(`no confirm came within ${confirmTimeoutMs} ms`);
      settlement.failed(job, { kind: 'confirm-timeout', error });
    }
    for (const list of [this.#setup.suspects, this.#setup.queue]) {
      for (const job of this.#due(list, now, (since) => heldBack.queueDeadline(since))) {
        settlement.failed(job, heldBack.failure());
      }
    }
    for (const job of this.#due(buffer.waiting, now, (since) => since + waitTimeoutMs)) {
      settlement.giveUp(job, { kind: 'buffer-full', error: buffer.fullError(waitTimeoutMs) });
    }
    this.#setup.onExpired();
  }

  /** Takes out of a list what is due by now, and looks again for the next. Lists are in the order of their deadlines. */
  #due(list: JobList, now: number, deadline: (since: number) => number): PublishJob[] {
    const jobs = list.takeWhile((job) => deadline(job.since) <= now);
    if (list.head !== undefined) this.arm(deadline(list.head.since));
    return jobs;
  }
}
