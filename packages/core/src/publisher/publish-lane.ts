import { asError } from '../errors/error-text.js';
import type { EventSink } from '../events/event-hub.js';
import { type Logger, logSafely } from '../events/logger.js';
import type { Publication } from '../message/message.js';
import { type Clock, within } from '../time/clock.js';
import type { ChannelEnd, ConnectionEvent, PublishChannel, PublishOutcome, Transport } from '../transport/transport.js';
import { carryOutVerdict, channelEndError } from './carry-out-verdict.js';
import { ChannelKeeper, type ChannelSlot } from './channel-keeper.js';
import { guiltyOf } from './guilty-of.js';
import { HeldBack } from './held-back.js';
import { JobList } from './job-list.js';
import { JobSettlement } from './job-settlement.js';
import { PublishBuffer } from './publish-buffer.js';
import type { PublishCallbacks } from './publish-callbacks.js';
import { PublishDeadlines } from './publish-deadlines.js';
import type { PublishEvent } from './publish-event.js';
import { PublishJob } from './publish-job.js';
import type { PublishReceipt } from './publish-options.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import type { PublisherStats } from './publisher-stats.js';
import { RetryWaits } from './retry-waits.js';

/** What a lane works with. */
export interface PublishLaneSetup {
  readonly transport: Pick<Transport, 'on' | 'publishBlocked'>;
  readonly open: (timeoutMs: number) => Promise<PublishChannel>;
  readonly options: ResolvedPublisherOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly callbacks: PublishCallbacks;
  readonly events: EventSink<PublishEvent> | undefined;
  readonly stats: PublisherStats;
  /** Told when a channel has ended, after its messages were dealt with. */
  readonly onChannelEnd?: (cause: Error) => void;
}

/**
 * Carries messages over one channel at a time until each is confirmed or has failed for good: which one is written, and
 * when. `guilty-of.ts` and `decide-retry.ts` decide about what fails; `job-settlement.ts` and `carry-out-verdict.ts` do it.
 *
 * A job is in one place at a time, and leaves the last one when its promise settles:
 *
 *     waiting -> queue -> in flight -> settled
 *     (room)       ^         |  \--> lost, until its channel's end is judged --> queue (innocent) or suspects
 *                  \-- retries <-- (failed, attempts left)
 */
export class PublishLane {
  readonly #setup: PublishLaneSetup;
  readonly #options: ResolvedPublisherOptions;
  readonly #clock: Clock;
  readonly #stats: PublisherStats;
  readonly #keeper: ChannelKeeper;
  readonly #buffer: PublishBuffer;
  readonly #queue = new JobList();
  /** Published one at a time, before the queue, to find out which of them ends the channel. */
  readonly #suspects = new JobList();
  readonly #inFlight = new JobList();
  readonly #retries: RetryWaits;
  readonly #settlement: JobSettlement;
  readonly #deadlines: PublishDeadlines;
  readonly #unsubscribe: () => void;
  readonly #heldBack: HeldBack;
  #pumping = false;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(setup: PublishLaneSetup) {
    this.#setup = setup;
    this.#options = setup.options;
    this.#clock = setup.clock;
    this.#stats = setup.stats;
    this.#buffer = new PublishBuffer(setup.options.buffer);
    this.#heldBack = new HeldBack(setup.options, () => setup.transport.publishBlocked);
    const { retry, connectionTimeoutMs } = setup.options;
    const pauseMs = retry.maxAttempts > 1 ? retry.backoff.initialIntervalMs : 0;
    this.#keeper = new ChannelKeeper(setup.open, setup.clock, connectionTimeoutMs, pauseMs, {
      opened: (slot) => this.#onOpened(slot),
      failed: (error) => this.#onOpenFailed(error),
      ended: (slot, end) => this.#onEnd(slot, end),
    });
    this.#retries = new RetryWaits(setup.clock, (jobs) => this.#requeue(jobs));
    this.#settlement = new JobSettlement({
      ...setup,
      buffer: this.#buffer,
      queue: this.#queue,
      retries: this.#retries,
      onIdle: () => this.#onIdle?.(),
    });
    this.#deadlines = new PublishDeadlines({
      ...setup,
      settlement: this.#settlement,
      heldBack: this.#heldBack,
      inFlight: this.#inFlight,
      suspects: this.#suspects,
      queue: this.#queue,
      buffer: this.#buffer,
      onExpired: () => this.#pump(),
    });
    this.#unsubscribe = setup.transport.on((event) => this.#onConnectionEvent(event));
  }

  /** Messages held: waiting for room, queued, in flight, or between attempts. */
  get held(): number {
    return this.#buffer.messages;
  }

  get heldBytes(): number {
    return this.#buffer.bytes;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Publishes a message. Settles exactly once: with the receipt, or with a `PublishError`. */
  submit(publication: Publication): Promise<PublishReceipt> {
    this.#stats.published++;
    return new Promise((resolve, reject) => {
      this.#accept(new PublishJob(publication, this.#clock.monotonic(), resolve, reject));
    });
  }

  /** Takes no more messages, waits until the rest has settled, rejects at the time limit what has not. Never rejects. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  #accept(job: PublishJob): void {
    if (this.#closing !== undefined) {
      this.#settlement.giveUp(job, { kind: 'closed', error: new Error('the publisher is closed'), sent: false });
    } else if (this.#buffer.take(job)) {
      this.#queue.push(job);
      this.#pump();
    } else if (this.#options.buffer.whenFull === 'fail') {
      this.#settlement.giveUp(job, { kind: 'buffer-full', error: this.#buffer.fullError(undefined) });
    } else {
      this.#buffer.waiting.push(job);
      this.#deadlines.arm(job.since + this.#options.buffer.waitTimeoutMs);
    }
  }

  /** Writes as much as may be written now. Every event that may have made room ends here. */
  #pump(): void {
    // Nothing that is called from the loop may start another one: order would be lost.
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#sendNext()) {}
    this.#pumping = false;
  }

  #sendNext(): boolean {
    const job = this.#suspects.head ?? this.#queue.head;
    if (job === undefined) return false;
    const isolating = this.#suspects.size > 0 || this.#inFlight.head?.suspect === true;
    if (this.#inFlight.size >= (isolating ? 1 : this.#options.window)) return false;
    const now = this.#clock.monotonic();
    if (this.#heldBack.isBlocked(now)) return this.#waitInQueue(job);
    const slot = this.#keeper.acquire();
    if (slot === undefined) return false;
    if (this.#heldBack.isCongested) return this.#waitInQueue(job);
    if (slot.abandoned >= this.#options.window) {
      // As many messages as the window holds never got an answer: what the channel still keeps of them must not grow.
      if (this.#inFlight.size > 0) return false;
      this.#keeper.retire(slot);
      return true;
    }
    this.#send(job, slot, now);
    return true;
  }

  #waitInQueue(job: PublishJob): false {
    this.#deadlines.arm(this.#heldBack.queueDeadline(job.since));
    return false;
  }

  #send(job: PublishJob, slot: ChannelSlot, now: number): void {
    job.list?.remove(job);
    const send = ++job.sends;
    let hasRoom: boolean;
    try {
      hasRoom = slot.channel.publish(job.publication, (outcome) => this.#onOutcome(job, send, slot, outcome));
    } catch (error) {
      this.#settlement.giveUp(job, { kind: 'unencodable', error: asError(error) });
      return;
    }
    job.since = now;
    job.slot = slot;
    this.#inFlight.push(job);
    this.#deadlines.arm(now + this.#options.confirmTimeoutMs);
    if (!hasRoom) this.#heldBack.waitForDrain(slot.channel, now, () => this.#pump());
  }

  #onOutcome(job: PublishJob, send: number, slot: ChannelSlot, outcome: PublishOutcome): void {
    if (job.sends !== send || job.list !== this.#inFlight) {
      this.#onLateOutcome(job, slot, outcome);
      return;
    }
    switch (outcome.kind) {
      case 'ack':
        if (outcome.returned === undefined) this.#settlement.confirmed(job);
        else this.#settlement.returned(job, outcome.returned);
        break;
      case 'nack':
        this.#settlement.nacked(job, outcome.returned);
        break;
      case 'lost':
        this.#inFlight.remove(job);
        slot.lost.push(job);
        if (slot.end !== undefined) this.#judge(slot, slot.end);
        return;
    }
    this.#pump();
  }

  /** The answer to an attempt that was given up after `confirmTimeout`. An ack is welcome for as long as somebody waits. */
  #onLateOutcome(job: PublishJob, slot: ChannelSlot, outcome: PublishOutcome): void {
    slot.abandoned--;
    if (outcome.kind !== 'ack' || outcome.returned !== undefined) return;
    if (job.settled) {
      this.#stats.lateConfirms++;
      return;
    }
    this.#settlement.confirmed(job);
    this.#pump();
  }

  #requeue(jobs: readonly PublishJob[]): void {
    const now = this.#clock.monotonic();
    for (const job of jobs) {
      job.since = now;
      this.#queue.push(job);
    }
    this.#pump();
  }

  #onOpened(slot: ChannelSlot): void {
    this.#stats.channelsOpened++;
    slot.channel.onUnclaimedReturn?.((returned) => {
      this.#stats.returned++;
      this.#setup.callbacks.returned(undefined, returned);
    });
    this.#heldBack.endCongestion();
    this.#endRetryWaits();
    this.#pump();
  }

  #onOpenFailed(error: Error): void {
    const jobs = [...this.#suspects.drain(), ...this.#queue.drain()];
    const fields = { err: error, messages: jobs.length };
    logSafely(this.#setup.logger, 'warn', fields, 'there is no connection to publish on');
    for (const job of jobs) this.#settlement.failed(job, { kind: 'not-connected', error });
    this.#pump();
  }

  #onEnd(slot: ChannelSlot, end: ChannelEnd): void {
    if (end.kind === 'channel-error') {
      this.#stats.channelErrors++;
      const text = `the broker closed a publishing channel: ${end.replyText}`;
      logSafely(this.#setup.logger, 'warn', { replyCode: end.replyCode, inFlight: slot.lost.size }, text);
    }
    this.#judge(slot, end);
    this.#setup.onChannelEnd?.(channelEndError(end));
  }

  #judge(slot: ChannelSlot, end: ChannelEnd): void {
    const verdict = guiltyOf(end, slot.lost.drain(), slot.abandoned > 0);
    carryOutVerdict(verdict, end, {
      settlement: this.#settlement,
      queue: this.#queue,
      suspects: this.#suspects,
      stats: this.#stats,
      now: this.#clock.monotonic(),
    });
    this.#pump();
  }

  #onConnectionEvent(event: ConnectionEvent): void {
    if (event.type === 'notice' || event.role !== 'publish') return;
    if (event.type === 'connected') this.#endRetryWaits();
    this.#heldBack.isBlocked(this.#clock.monotonic());
    this.#pump();
  }

  /** What waits only for a connection need not wait longer than until there is one. */
  #endRetryWaits(): void {
    this.#keeper.endPause();
    if (this.#retries.size > 0) this.#requeue(this.#retries.take(waitsForConnection));
  }

  async #close(timeoutMs: number): Promise<void> {
    if (this.held > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      await within(this.#clock, timeoutMs, idle, () => undefined);
    }
    this.#giveUpAll(timeoutMs);
    this.#unsubscribe();
    this.#deadlines.stop();
    this.#retries.stop();
    await within(this.#clock, CHANNEL_CLOSE_MS, this.#keeper.close(), () => undefined);
  }

  #giveUpAll(timeoutMs: number): void {
    const error = new Error(`the publisher was closed, and had waited ${timeoutMs} ms for outstanding confirms`);
    const written = [...this.#inFlight.drain(), ...this.#keeper.drainLost()];
    for (const job of written) this.#settlement.giveUp(job, { kind: 'closed', error, sent: true });
    const unwritten = [...this.#suspects.drain(), ...this.#retries.take(() => true), ...this.#queue.drain()];
    for (const job of [...unwritten, ...this.#buffer.waiting.drain()]) {
      this.#settlement.giveUp(job, { kind: 'closed', error, sent: false });
    }
  }
}

const CHANNEL_CLOSE_MS = 1_000;

function waitsForConnection(job: PublishJob): boolean {
  const kind = job.failures?.at(-1)?.kind;
  return kind === 'not-connected' || kind === 'channel-lost';
}
