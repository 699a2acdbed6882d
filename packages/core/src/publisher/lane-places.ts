import { LinkedList } from './linked-list.js';
import type { PublishJob, PublishWrite } from './publish-job.js';
import type { RetryWaits } from './retry-waits.js';

/** Jobs of a lane, oldest first: on their way to another, or to their end. */
export interface LaneContent {
  readonly written: readonly PublishWrite[];
  readonly waiting: readonly PublishJob[];
}

/** The places in which the jobs of one lane are; each is in one of them. */
export class LanePlaces {
  readonly queue = new LinkedList<PublishJob>();
  /** Published one at a time, before the queue, to find out which of them ends the channel or the connection. */
  readonly suspects = new LinkedList<PublishJob>();
  /** Their exchange is being looked for. */
  readonly lookedFor = new LinkedList<PublishJob>();
  readonly inFlight = new LinkedList<PublishWrite>();
  /** Between two attempts. */
  readonly retries: RetryWaits;
  readonly #toGo = [this.suspects, this.lookedFor, this.queue];

  constructor(retries: RetryWaits) {
    this.retries = retries;
  }

  get isEmpty(): boolean {
    return this.#toGo.every(({ size }) => size === 0) && this.inFlight.size + this.retries.size === 0;
  }

  /** Whether a suspect is in flight, beside which no other may be. Only the last one written can be: see {@link acquit}. */
  get isIsolating(): boolean {
    return (this.inFlight.tail?.job.suspicion ?? 'none') !== 'none';
  }

  /** Takes what was written before `time` for innocent: it would have ended the channel by now. */
  acquit(time: number): void {
    const last = this.inFlight.tail;
    if (last !== undefined && last.at <= time) last.job.suspicion = 'none';
  }

  get hasConnectionSuspects(): boolean {
    const mayHave = (job: PublishJob | undefined) => job?.suspicion === 'connection';
    return mayHave(this.inFlight.tail?.job) || [...this.suspects].some(mayHave);
  }

  /** The place of a job that waits to be written. */
  placeOf(job: PublishJob): LinkedList<PublishJob> {
    return job.suspicion === 'none' ? this.queue : this.suspects;
  }

  /** What is here of some jobs. Those between two attempts are taken out of there. */
  find(which: (job: PublishJob) => boolean): LaneContent {
    const written = [...this.inFlight].filter(({ job }) => which(job));
    const queued = this.#toGo.flatMap((list) => [...list].filter(which));
    return { written, waiting: [...queued, ...this.retries.take(which)] };
  }

  /** What was written before `time` and has no answer. */
  unansweredSince(time: number): readonly PublishJob[] {
    return [...this.inFlight].filter(({ at }) => at <= time).map(({ job }) => job);
  }

  /** What waits for its confirm: what was written, and `queued` what was not, too. */
  *unconfirmed(queued: boolean): IterableIterator<PublishJob> {
    for (const { job } of this.inFlight) yield job;
    yield* this.retries;
    if (queued) for (const list of this.#toGo) yield* list;
  }

  /** Whether a job is in flight, or waits to be, for which `which` says so. */
  some(which: (job: PublishJob) => boolean): boolean {
    for (const { job } of this.inFlight) if (which(job)) return true;
    for (const list of this.#toGo) for (const job of list) if (which(job)) return true;
    return false;
  }
}
