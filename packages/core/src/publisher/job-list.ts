import type { PublishJob } from './publish-job.js';

/**
 * A first-in, first-out list of jobs that any job leaves in constant time. A job is in one list at most, so that
 * wherever it waits it can be settled, counted and found.
 */
export class JobList {
  #head: PublishJob | undefined;
  #tail: PublishJob | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get head(): PublishJob | undefined {
    return this.#head;
  }

  push(job: PublishJob): void {
    job.list = this;
    job.previous = this.#tail;
    job.next = undefined;
    if (this.#tail === undefined) this.#head = job;
    else this.#tail.next = job;
    this.#tail = job;
    this.#size++;
  }

  /** Puts a job before all others. */
  unshift(job: PublishJob): void {
    job.list = this;
    job.previous = undefined;
    job.next = this.#head;
    if (this.#head === undefined) this.#tail = job;
    else this.#head.previous = job;
    this.#head = job;
    this.#size++;
  }

  /** Takes out a job of this list. */
  remove(job: PublishJob): void {
    if (job.previous === undefined) this.#head = job.next;
    else job.previous.next = job.next;
    if (job.next === undefined) this.#tail = job.previous;
    else job.next.previous = job.previous;
    job.list = undefined;
    job.previous = undefined;
    job.next = undefined;
    this.#size--;
  }

  /** Takes jobs from the front as long as `which` says so. */
  takeWhile(which: (job: PublishJob) => boolean): PublishJob[] {
    const jobs: PublishJob[] = [];
    for (let job = this.#head; job !== undefined && which(job); job = this.#head) {
      jobs.push(job);
      this.remove(job);
    }
    return jobs;
  }

  /** Empties the list; answers what was in it, in order. */
  drain(): PublishJob[] {
    return this.takeWhile(() => true);
  }
}
