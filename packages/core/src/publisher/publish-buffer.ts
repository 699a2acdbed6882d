import type { PublishJob, Share } from './publish-job.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';

/**
 * Bounds what a publisher keeps in memory. A job counts from the moment it is taken until its promise settles; one that finds
 * no room waits in line, so that room is given in the order it was asked for. Those in line keep their bodies only while
 * these fit as well. Messages to destinations that do not answer have a share of their own, so that they cannot take all of
 * the buffer from the others.
 */
export class PublishBuffer {
  readonly #options: ResolvedPublisherOptions['buffer'];
  readonly #shares: readonly Share[];
  #messages = 0;
  #bytes = 0;
  #waiting = 0;
  #waitingBytes = 0;

  constructor(options: ResolvedPublisherOptions['buffer'], shares: readonly Share[]) {
    this.#options = options;
    this.#shares = shares;
  }

  /** Messages taken or waiting for room. */
  get messages(): number {
    return this.#messages + this.#waiting;
  }

  /** Bytes of the bodies that are kept of these messages. */
  get bytes(): number {
    return this.#bytes + this.#waitingBytes;
  }

  /** Takes a job if there is room and nobody waits before it. */
  take(job: PublishJob, share: Share): boolean {
    if (share.waiting.size > 0 || !this.#hasRoom(job, share)) return false;
    this.#hold(job, share);
    return true;
  }

  /** Puts a job in line. Without room for its body either, that is let go until the job is admitted. */
  waitInLine(job: PublishJob, share: Share, now: number): void {
    if (this.bytes + job.bytes <= this.#options.maxBytes) {
      job.keepBody();
      this.#waitingBytes += job.bytes;
    } else {
      job.letBodyGo();
    }
    this.#waiting++;
    job.queue(share.waiting, now);
  }

  /** A job leaves its line, or gives back its room: it is admitted, or has settled. */
  release(job: PublishJob): void {
    const { share } = job;
    if (share !== undefined) {
      job.share = undefined;
      share.messages--;
      share.bytes -= job.bytes;
      this.#messages--;
      this.#bytes -= job.bytes;
    } else if (this.#shares.some(({ waiting }) => job.list === waiting)) {
      this.#waiting--;
      if (job.hasBody) this.#waitingBytes -= job.bytes;
    }
  }

  /** A job counts elsewhere from now on. */
  move(job: PublishJob, share: Share): void {
    if (job.share === undefined) return;
    this.release(job);
    this.#hold(job, share);
  }

  /** The next job in line, now taken, if there is room for one. It is out of its line when it is queued elsewhere. */
  admit(): PublishJob | undefined {
    for (const share of this.#shares) {
      const job = share.waiting.head;
      if (job === undefined || !this.#hasRoom(job, share)) continue;
      this.release(job);
      share.waiting.remove(job);
      this.#hold(job, share);
      return job;
    }
    return undefined;
  }

  /** What is said when there is no room. */
  fullError(waitedMs: number | undefined): Error {
    const { maxMessages, maxBytes } = this.#options;
    const howLong = waitedMs === undefined ? '' : ` for ${waitedMs} ms`;
    return new Error(`the buffer (${maxMessages} messages, ${maxBytes} bytes) was full${howLong}`);
  }

  // A message larger than the whole buffer could otherwise never be published.
  #hasRoom(job: PublishJob, { part, messages, bytes }: Share): boolean {
    if (this.#messages === 0) return true;
    const { maxMessages, maxBytes } = this.#options;
    if (this.#messages >= maxMessages || this.#bytes + job.bytes > maxBytes) return false;
    return messages === 0 || (messages < part * maxMessages && bytes + job.bytes <= part * maxBytes);
  }

  #hold(job: PublishJob, share: Share): void {
    job.share = share;
    share.messages++;
    share.bytes += job.bytes;
    this.#messages++;
    this.#bytes += job.bytes;
  }
}
