import { JobList } from './job-list.js';
import type { PublishJob } from './publish-job.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';

/**
 * Bounds what a lane holds in memory. A job counts from the moment it is taken until its promise settles; one that finds
 * no room waits in line, so that room is given in the order it was asked for.
 */
export class PublishBuffer {
  /** Calls held back until there is room. */
  readonly waiting = new JobList();
  readonly #options: ResolvedPublisherOptions['buffer'];
  #messages = 0;
  #bytes = 0;

  constructor(options: ResolvedPublisherOptions['buffer']) {
    this.#options = options;
  }

  /** Messages taken or waiting for room. */
  get messages(): number {
    return this.#messages + this.waiting.size;
  }

  /** Bytes of the bodies of the messages taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a job if there is room and nobody waits before it. */
  take(job: PublishJob): boolean {
    if (this.waiting.size > 0 || !this.#hasRoom(job)) return false;
    this.#hold(job);
    return true;
  }

  /** Gives back the room of a job that has settled. */
  release(job: PublishJob): void {
    if (!job.held) return;
    job.held = false;
    this.#messages--;
    this.#bytes -= job.bytes;
  }

  /** The next job in line, now taken, if there is room for it. */
  admit(): PublishJob | undefined {
    const job = this.waiting.head;
    if (job === undefined || !this.#hasRoom(job)) return undefined;
    this.waiting.remove(job);
    this.#hold(job);
    return job;
  }

  /** What is said when there is no room. */
  fullError(waitedMs: number | undefined): Error {
    const { maxMessages, maxBytes } = this.#options;
    const howLong = waitedMs === undefined ? '' : ` for ${waitedMs} ms`;
    return new Error(`the buffer (${maxMessages} messages, ${maxBytes} bytes) was full${howLong}`);
  }

  // A message larger than the whole buffer could otherwise never be published.
  #hasRoom(job: PublishJob): boolean {
    if (this.#messages === 0) return true;
    return this.#messages < this.#options.maxMessages && this.#bytes + job.bytes <= this.#options.maxBytes;
  }

  #hold(job: PublishJob): void {
    job.held = true;
    this.#messages++;
    this.#bytes += job.bytes;
  }
}
