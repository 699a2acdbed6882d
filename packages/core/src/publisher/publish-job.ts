import { createHash } from 'node:crypto';
import type { Publication } from '../message/message.js';
import type { ChannelSlot } from './channel-keeper.js';
import type { Linked, LinkedList } from './linked-list.js';
import type { Share } from './publish-buffer.js';
import type { PublishFailure } from './publish-failure.js';
import type { PublishLane } from './publish-lane.js';
import type { PublishReceipt } from './publish-options.js';
import type { PublishWrite } from './publish-write.js';

/** Failed attempts remembered for one message; with more than that, the oldest are forgotten. */
const MAX_FAILURES = 32;

/** How a message stands. */
export type JobState =
  /** In a list of those that wait to be written, or for room. */
  | { readonly kind: 'queued' }
  /** Written: the write knows where and when. */
  | PublishWrite
  /** Between two attempts. */
  | { readonly kind: 'waiting' }
  /** Its promise has settled. */
  | { readonly kind: 'settled' };

const QUEUED: JobState = Object.freeze({ kind: 'queued' });
const WAITING: JobState = Object.freeze({ kind: 'waiting' });
const SETTLED: JobState = Object.freeze({ kind: 'settled' });

/** What a message may have done: nothing, ended a channel, or ended the connection. */
export type Suspicion = 'none' | 'channel' | 'connection';

/** Where the body of a message comes from. */
export interface BodySource {
  /** The bytes belong to the caller, who may write over them. */
  readonly isShared: boolean;
  /** The body once more. */
  body(): Buffer;
}

/** A message that somebody waits for: from the call until its promise settles. */
export class PublishJob implements Linked<PublishJob> {
  /** Bytes it counts in the buffer. */
  readonly bytes: number;
  readonly resolve: (receipt: PublishReceipt) => void;
  readonly reject: (error: Error) => void;
  readonly #source: BodySource | undefined;
  #publication: Publication;
  /** Tells whether a body that was let go is the same when it is asked for again. */
  #digest: string | undefined = undefined;
  /** The lane it goes by now. */
  lane: PublishLane;
  /** Where it counts in the buffer, once it is taken. */
  share: Share | undefined = undefined;
  /** Failed attempts so far, the newest last. */
  failures: [PublishFailure, ...PublishFailure[]] | undefined = undefined;
  /** Attempts that had an outcome of their own. */
  attempts = 0;
  /** It was in flight when the broker ended a channel or a connection without saying whose fault it was. */
  suspicion: Suspicion = 'none';
  /** Connections that ended while it was in flight. */
  connectionEnds = 0;
  /** The channel on which it was nacked first. */
  nackedOn: ChannelSlot | undefined = undefined;
  /** Nobody waits for it any more: it is not tried again. */
  withdrawn = false;
  list: LinkedList<PublishJob> | undefined = undefined;
  previous: PublishJob | undefined = undefined;
  next: PublishJob | undefined = undefined;
  #state: JobState = QUEUED;
  #since: number;
  #failingSince: number | undefined = undefined;

  constructor(
    publication: Publication,
    lane: PublishLane,
    now: number,
    resolve: (receipt: PublishReceipt) => void,
    reject: (error: Error) => void,
    source?: BodySource,
  ) {
    this.#publication = publication;
    this.#source = source;
    this.bytes = publication.body.length;
    this.lane = lane;
    this.resolve = resolve;
    this.reject = reject;
    this.#since = now;
  }

  get publication(): Publication {
    return this.#publication;
  }

  /** Makes the body the publisher's own: what is kept must not change when the caller writes over its bytes. */
  keepBody(): void {
    if (this.#source?.isShared !== true) return;
    this.#publication = { ...this.#publication, body: Buffer.from(this.#publication.body) };
  }

  /** Keeps no body while there is no room for it: {@link fetchBody} asks its source again. */
  letBodyGo(): void {
    if (this.#source === undefined) return;
    this.#digest = digestOf(this.#publication.body);
    this.#publication = { ...this.#publication, body: NO_BODY };
  }

  get hasBody(): boolean {
    return this.#digest === undefined;
  }

  /**
   * Gets back a body that was let go.
   * @throws {Error} when it is not what it was: the caller has changed the payload since, or it is never written the same
   */
  fetchBody(): void {
    if (this.#digest === undefined || this.#source === undefined) return;
    const body = Buffer.from(this.#source.body());
    if (digestOf(body) !== this.#digest) {
      throw new Error('its body is another one than before it waited for room in the buffer: its payload was changed');
    }
    this.#digest = undefined;
    this.#publication = { ...this.#publication, body };
  }

  get state(): JobState {
    return this.#state;
  }

  /** Since when it waits where it is, by the monotonic clock. */
  get since(): number {
    return this.#since;
  }

  /** Since when it waits for its confirm: when it was written, or queued, for the first attempt that failed. */
  get unconfirmedSince(): number {
    return this.#failingSince ?? this.#since;
  }

  queue(list: LinkedList<PublishJob>, now: number): void {
    this.#enter(QUEUED, now);
    list.push(this);
  }

  /** Queues it before all others. */
  queueFirst(list: LinkedList<PublishJob>, now: number): void {
    this.#enter(QUEUED, now);
    list.unshift(this);
  }

  wait(list: LinkedList<PublishJob>, now: number): void {
    this.#enter(WAITING, now);
    list.push(this);
  }

  sent(write: PublishWrite): void {
    this.#enter(write, write.at);
  }

  settle(): void {
    this.#enter(SETTLED, this.#since);
  }

  /** Keeps a failed attempt for the error that may be made of them; answers all that are kept. */
  remember(failure: PublishFailure): readonly [PublishFailure, ...PublishFailure[]] {
    this.#failingSince ??= this.#since;
    if (this.failures === undefined) this.failures = [failure];
    else {
      this.failures.push(failure);
      if (this.failures.length > MAX_FAILURES) this.failures.shift();
    }
    return this.failures;
  }

  /** The one place where a job changes its state: it leaves the list it was in, and nobody waits for its last write. */
  #enter(state: JobState, now: number): void {
    this.list?.remove(this);
    if (this.#state.kind === 'sent') this.#state.abandon();
    this.#state = state;
    this.#since = now;
  }
}

const NO_BODY = Buffer.alloc(0);

function digestOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('base64');
}
