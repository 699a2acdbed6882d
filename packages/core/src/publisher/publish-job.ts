import type { Publication } from '../message/message.js';
import type { ChannelSlot } from './channel-keeper.js';
import type { PublishFailure } from './decide-retry.js';
import type { JobList } from './job-list.js';
import type { PublishReceipt } from './publish-options.js';

/** Failed attempts remembered for one message; with more than that, the oldest are forgotten. */
const MAX_FAILURES = 32;

/** A message that somebody waits for: from the call until its promise settles. Only the lane that has it writes to it. */
export class PublishJob {
  readonly publication: Publication;
  /** Bytes it counts in the buffer. */
  readonly bytes: number;
  /** When it was last put where it is (queue or flight), by the monotonic clock. */
  since: number;
  /** Failed attempts so far, the newest last. */
  failures: PublishFailure[] | undefined;
  /** Attempts that had an outcome of their own. */
  attempts = 0;
  /** How often it was written; tells the outcome of the current attempt from that of an older one. */
  sends = 0;
  /** In flight when the broker closed a channel without saying whose fault it was. */
  suspect = false;
  settled = false;
  /** It counts in the buffer. */
  held = false;
  /** Channel it was written to last. */
  slot: ChannelSlot | undefined;
  list: JobList | undefined;
  previous: PublishJob | undefined;
  next: PublishJob | undefined;
  readonly resolve: (receipt: PublishReceipt) => void;
  readonly reject: (error: Error) => void;

  constructor(
    publication: Publication,
    now: number,
    resolve: (receipt: PublishReceipt) => void,
    reject: (error: Error) => void,
  ) {
    this.publication = publication;
    this.bytes = publication.body.length;
    this.since = now;
    this.resolve = resolve;
    this.reject = reject;
    this.failures = undefined;
    this.slot = undefined;
    this.list = undefined;
    this.previous = undefined;
    this.next = undefined;
  }

  /** Keeps a failed attempt for the error that may be made of them; answers all that are kept. */
  remember(failure: PublishFailure): readonly PublishFailure[] {
    this.failures ??= [];
    if (this.failures.length === MAX_FAILURES) this.failures.shift();
    this.failures.push(failure);
    return this.failures;
  }
}
