import { createHash } from 'node:crypto';
import type { Publication } from '../message/message.js';
import type { ChannelEnd, PublishChannel, PublishOutcome } from '../transport/transport.js';
import { type Linked, LinkedList } from './linked-list.js';
import type { PublishFailure } from './publish-failure.js';
import type { PublishReceipt } from './publish-options.js';

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

/** The lane that a message goes by, as far as what becomes of the message concerns it. */
export interface JobLane {
  readonly isApart: boolean;
  /** No message is there, in whatever state. */
  readonly isEmpty: boolean;
  /** What is done about answers to messages that are there by now. */
  readonly answers: {
    answered(write: PublishWrite, outcome: Exclude<PublishOutcome, { kind: 'lost' }>): void;
    lateAck(job: PublishJob): void;
  };
  putBack(job: PublishJob): void;
  retryLater(job: PublishJob, afterMs: number): void;
  pump(): void;
}

/** What one kind of messages holds of a buffer, and who of them waits for room. */
export class Share {
  /** The part of the buffer that this kind may hold at most: from 0 to 1. */
  readonly part: number;
  messages = 0;
  bytes = 0;
  /** Calls held back until there is room, in the order in which they came. */
  readonly waiting = new LinkedList<PublishJob>();

  constructor(part: number) {
    this.part = part;
  }
}

/** A channel in use, and what its lane must remember about it. */
export interface ChannelSlot {
  readonly channel: PublishChannel;
  /** By the monotonic clock. */
  readonly openedAt: number;
  /** Writes whose answer was lost with it, until the end of the channel decides about all of them together. */
  readonly lost: PublishWrite[];
  /** Writes on it whose answer somebody waits for. */
  inFlight: number;
  /** Writes on it that have no answer yet, and that nobody waits for any more. */
  abandoned: number;
  /** How it ended, once that is known. */
  end: ChannelEnd | undefined;
  /** Told when nothing that somebody waits for is in flight on it any more. */
  readonly onIdle: () => void;
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
  lane: JobLane;
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
    lane: JobLane,
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

/**
 * One message written once to one channel: which message, where, when, and whether anybody still waits for its answer.
 *
 *     in flight --answer--> answered
 *         \--- abandon --> abandoned --answer--> answered
 *
 * It keeps the counts of its channel, so that they are right whatever comes first.
 */
export class PublishWrite implements Linked<PublishWrite> {
  readonly kind = 'sent';
  readonly job: PublishJob;
  readonly slot: ChannelSlot;
  /** When it was written, by the monotonic clock. */
  readonly at: number;
  list: LinkedList<PublishWrite> | undefined = undefined;
  previous: PublishWrite | undefined = undefined;
  next: PublishWrite | undefined = undefined;
  #state: 'in-flight' | 'abandoned' | 'answered' = 'in-flight';

  constructor(job: PublishJob, slot: ChannelSlot, at: number) {
    this.job = job;
    this.slot = slot;
    this.at = at;
    slot.inFlight++;
  }

  get isInFlight(): boolean {
    return this.#state === 'in-flight';
  }

  /** Nobody waits for its answer any more: its time has run out, or an earlier write of the message was answered. */
  abandon(): void {
    if (this.#state !== 'in-flight') return;
    this.#leave('abandoned');
    this.slot.abandoned++;
  }

  /** Its answer came. Answers whether somebody waited for it. */
  answer(): boolean {
    if (this.#state === 'abandoned') this.slot.abandoned--;
    return this.#end();
  }

  /** Its channel ended first. Answers whether somebody waited; the channel goes on counting what had been abandoned on it. */
  lose(): boolean {
    return this.#end();
  }

  #end(): boolean {
    const awaited = this.isInFlight;
    if (awaited) this.#leave('answered');
    else this.#state = 'answered';
    return awaited;
  }

  #leave(state: 'abandoned' | 'answered'): void {
    this.#state = state;
    this.list?.remove(this);
    if (--this.slot.inFlight === 0 && this.slot.channel.isOpen) this.slot.onIdle();
  }
}

const NO_BODY = Buffer.alloc(0);

function digestOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('base64');
}
