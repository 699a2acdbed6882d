import type { Clock } from '../time/clock.js';
import { LinkedList } from './linked-list.js';
import type { PublishJob } from './publish-job.js';

/**
 * Jobs that wait for their next attempt. Waits of the same length end in the order they began, so a list for each length
 * and one timer for the earliest end are enough, however many jobs wait.
 */
export class RetryWaits {
  readonly #clock: Clock;
  readonly #onDue: (jobs: readonly PublishJob[]) => void;
  readonly #lists = new Map<number, LinkedList<PublishJob>>();
  #timer: { readonly due: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock, onDue: (jobs: readonly PublishJob[]) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    let size = 0;
    for (const list of this.#lists.values()) size += list.size;
    return size;
  }

  add(job: PublishJob, waitMs: number): void {
    let list = this.#lists.get(waitMs);
    if (list === undefined) {
      list = new LinkedList();
      this.#lists.set(waitMs, list);
    }
    const now = this.#clock.monotonic();
    job.wait(list, now);
    this.#arm(now + waitMs);
  }

  *[Symbol.iterator](): IterableIterator<PublishJob> {
    for (const list of this.#lists.values()) yield* list;
  }

  /** Takes out every job for which `which` says so, in no particular order. */
  take(which: (job: PublishJob) => boolean): PublishJob[] {
    return [...this.#lists.values()].flatMap((list) => list.take(which));
  }

  /** Stops the timer; nothing becomes due any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(due: number): void {
    if (this.#timer !== undefined) {
      if (this.#timer.due <= due) return;
      this.#timer.cancel();
    }
    // Keeps the process alive: with the connection gone, nothing else might, and somebody awaits these messages.
    const cancel = this.#clock.after(Math.max(0, due - this.#clock.monotonic()), () => this.#fire(), true);
    this.#timer = { due, cancel };
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    const dueJobs: PublishJob[] = [];
    for (const [waitMs, list] of this.#lists) {
      for (let job = list.head; job !== undefined && job.since + waitMs <= now; job = list.head) {
        list.remove(job);
        dueJobs.push(job);
      }
      if (list.head === undefined) this.#lists.delete(waitMs);
      else this.#arm(list.head.since + waitMs);
    }
    if (dueJobs.length > 0) this.#onDue(dueJobs);
  }
}
