import type { EventSink } from '../events/event-hub.js';
import { type Logger, logSafely } from '../events/logger.js';
import type { Publication } from '../message/message.js';
import { type Clock, within } from '../time/clock.js';
import type { ChannelEnd, ConnectionEvent, PublishChannel, PublishOutcome, Transport } from '../transport/transport.js';
import { ChannelKeeper, type ChannelSlot } from './channel-keeper.js';
import { DeadlineTimer } from './deadline-timer.js';
import { decideAfterFailure, type PublishFailure } from './decide-retry.js';
import { guiltyOf, isExchangeMissing } from './guilty-of.js';
import { HeldBack } from './held-back.js';
import { JobList } from './job-list.js';
import { PublishBuffer } from './publish-buffer.js';
import type { PublishCallbacks } from './publish-callbacks.js';
import type { PublishEvent } from './publish-event.js';
import { publishFailureError } from './publish-failure-error.js';
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

/** Errors remembered for one message; with more attempts than that, the oldest are forgotten. */
const MAX_FAILURES = 32;

/**
 * Carries messages over one channel at a time until each is confirmed or has failed for good. The decisions are made in
 * `decide-retry.ts` and `guilty-of.ts`; this is the place that carries them out.
 *
 * Longer than other files because a job must never be in two places or in none, which is easiest seen where all moves
 * stand together. It leaves the last place when its promise settles:
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
  readonly #events: EventSink<PublishEvent> | undefined;
  readonly #keeper: ChannelKeeper;
  readonly #buffer: PublishBuffer;
  readonly #queue = new JobList();
  /** Published one at a time, before the queue, to find out which of them ends the channel. */
  readonly #suspects = new JobList();
  readonly #inFlight = new JobList();
  readonly #retries: RetryWaits;
  readonly #deadlines: DeadlineTimer;
  readonly #unsubscribe: () => void;
  readonly #heldBack: HeldBack;
  #congested: ChannelSlot | undefined;
  #pumping = false;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(setup: PublishLaneSetup) {
    this.#setup = setup;
    this.#options = setup.options;
    this.#clock = setup.clock;
    this.#stats = setup.stats;
    this.#events = setup.events;
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
    this.#deadlines = new DeadlineTimer(setup.clock, (now) => this.#expire(now));
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
      this.#accept(new PublishJob(publication, this.#clock.now(), resolve, reject));
    });
  }

  /** Takes no more messages, waits until the rest has settled, rejects at the time limit what has not. Never rejects. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  #accept(job: PublishJob): void {
    if (this.#closing !== undefined) {
      this.#giveUp(job, { kind: 'closed', error: new Error('the publisher is closed'), sent: false });
    } else if (this.#buffer.take(job)) {
      this.#queue.push(job);
      this.#pump();
    } else if (this.#options.buffer.whenFull === 'fail') {
      this.#giveUp(job, { kind: 'buffer-full', error: this.#buffer.fullError(undefined) });
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
    const now = this.#clock.now();
    if (this.#heldBack.isBlocked(now)) return this.#waitInQueue(job);
    const slot = this.#keeper.acquire();
    if (slot === undefined) return false;
    if (this.#heldBack.congestedSince !== undefined) return this.#waitInQueue(job);
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
      this.#giveUp(job, { kind: 'unencodable', error: error instanceof Error ? error : new Error(String(error)) });
      return;
    }
    job.since = now;
    job.slot = slot;
    this.#inFlight.push(job);
    this.#deadlines.arm(now + this.#options.confirmTimeoutMs);
    if (!hasRoom) this.#waitForDrain(slot, now);
  }

  #waitForDrain(slot: ChannelSlot, now: number): void {
    this.#heldBack.congestedSince = now;
    this.#congested = slot;
    const goOn = () => {
      // Also called when the channel has ended; by then another one may be congested in its turn.
      if (this.#congested === slot) this.#endCongestion();
      this.#pump();
    };
    slot.channel.drained().then(goOn, goOn);
  }

  #endCongestion(): void {
    this.#congested = undefined;
    this.#heldBack.congestedSince = undefined;
  }

  #onOutcome(job: PublishJob, send: number, slot: ChannelSlot, outcome: PublishOutcome): void {
    if (job.sends !== send || job.list !== this.#inFlight) {
      this.#onLateOutcome(job, slot, outcome);
      return;
    }
    const { publication } = job;
    switch (outcome.kind) {
      case 'ack':
        if (outcome.returned === undefined) {
          this.#succeed(job);
        } else {
          const { returned } = outcome;
          this.#stats.returned++;
          this.#inFlight.remove(job);
          this.#setup.callbacks.returned(publication, returned);
          this.#setup.callbacks.answered(publication, true);
          const error = new Error(`basic.return ${returned.replyCode} ${returned.replyText}`);
          this.#failed(job, { kind: 'unroutable', error, returned });
        }
        break;
      case 'nack':
        this.#stats.nacked++;
        this.#inFlight.remove(job);
        if (outcome.returned !== undefined) this.#setup.callbacks.returned(publication, outcome.returned);
        this.#setup.callbacks.answered(publication, false);
        this.#failed(job, { kind: 'nacked', error: new Error('the broker answered basic.nack') });
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
    this.#succeed(job);
    this.#pump();
  }

  #succeed(job: PublishJob): void {
    const confirmed = this.#options.confirms !== 'none';
    this.#stats.confirmed++;
    job.attempts++;
    this.#leave(job);
    if (confirmed) this.#setup.callbacks.answered(job.publication, true);
    const { publication, attempts } = job;
    const confirmMs = this.#clock.now() - job.since;
    const receipt = { messageId: publication.properties.messageId, confirmed, confirmMs, attempts };
    if (this.#events?.idle === false) this.#events.emit({ type: 'publish-confirmed', publication, receipt });
    job.resolve(receipt);
  }

  /** One attempt failed: tries again later, or gives up. */
  #failed(job: PublishJob, failure: PublishFailure): void {
    // Being blocked is a wait, not an attempt.
    if (failure.kind !== 'blocked') job.attempts++;
    job.suspect = false;
    const decision = decideAfterFailure(this.#options.retry, failure, job.attempts);
    if (decision.action === 'fail') {
      this.#giveUp(job, failure);
      return;
    }
    this.#stats.retried++;
    job.list?.remove(job);
    remember(job, failure);
    this.#retries.add(job, decision.afterMs);
    const { publication, attempts: attempt } = job;
    this.#events?.emit({
      type: 'publish-retried',
      publication,
      error: failure.error,
      attempt,
      delayMs: decision.afterMs,
    });
  }

  #giveUp(job: PublishJob, failure: PublishFailure): void {
    this.#stats.failed++;
    this.#leave(job);
    const failures = remember(job, failure);
    const error = publishFailureError(job.publication, failures, job.attempts);
    this.#events?.emit({ type: 'publish-failed', publication: job.publication, error });
    job.reject(error);
  }

  /** The one place where a job ends: takes it out of wherever it is and makes room for others. */
  #leave(job: PublishJob): void {
    job.settled = true;
    job.list?.remove(job);
    this.#buffer.release(job);
    for (let next = this.#buffer.admit(); next !== undefined; next = this.#buffer.admit()) this.#queue.push(next);
    if (this.#buffer.messages === 0) this.#onIdle?.();
  }

  #requeue(jobs: readonly PublishJob[]): void {
    const now = this.#clock.now();
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
    this.#endCongestion();
    this.#endRetryWaits();
    this.#pump();
  }

  #onOpenFailed(error: Error): void {
    const jobs = [...this.#suspects.drain(), ...this.#queue.drain()];
    const fields = { err: error, messages: jobs.length };
    logSafely(this.#setup.logger, 'warn', fields, 'there is no connection to publish on');
    for (const job of jobs) this.#failed(job, { kind: 'not-connected', error });
    this.#pump();
  }

  #onEnd(slot: ChannelSlot, end: ChannelEnd): void {
    if (end.kind === 'channel-error') {
      this.#stats.channelErrors++;
      const text = `the broker closed a publishing channel: ${end.replyText}`;
      logSafely(this.#setup.logger, 'warn', { replyCode: end.replyCode, inFlight: slot.lost.size }, text);
    }
    this.#judge(slot, end);
    this.#setup.onChannelEnd?.(endError(end));
  }

  #judge(slot: ChannelSlot, end: ChannelEnd): void {
    const verdict = guiltyOf(end, slot.lost.drain(), slot.abandoned > 0);
    switch (verdict.kind) {
      case 'lost': {
        const error = endError(end);
        for (const job of verdict.jobs) this.#failed(job, { kind: 'channel-lost', error });
        break;
      }
      case 'named':
        this.#putBack(verdict.innocent, this.#queue, end);
        for (const job of verdict.guilty) this.#refused(job, end);
        break;
      case 'suspects':
        for (const job of verdict.jobs) job.suspect = true;
        this.#putBack(verdict.jobs, this.#suspects, end);
        break;
    }
    this.#pump();
  }

  #refused(job: PublishJob, end: ChannelEnd): void {
    if (end.kind !== 'channel-error') return;
    // What ends a channel alone would have ended the earlier one too, so its first attempt was no success either.
    job.failures = job.failures?.filter((failure) => failure.kind !== 'spoilt');
    this.#setup.callbacks.answered(job.publication, false, end.replyText);
    this.#failed(job, { kind: isExchangeMissing(end) ? 'exchange-missing' : 'refused', error: end.error });
  }

  /** Publishes again, in the old order and before all others, what another message spoilt. */
  #putBack(jobs: readonly PublishJob[], list: JobList, end: ChannelEnd): void {
    const now = this.#clock.now();
    const failure: PublishFailure = { kind: 'spoilt', error: endError(end) };
    for (const job of jobs.toReversed()) {
      job.since = now;
      remember(job, failure);
      list.unshift(job);
    }
    this.#stats.republished += jobs.length;
  }

  #onConnectionEvent(event: ConnectionEvent): void {
    if (event.type === 'notice' || event.role !== 'publish') return;
    if (event.type === 'connected') this.#endRetryWaits();
    this.#heldBack.isBlocked(this.#clock.now());
    this.#pump();
  }

  /** What waits only for a connection need not wait longer than until there is one. */
  #endRetryWaits(): void {
    this.#keeper.endPause();
    if (this.#retries.size > 0) this.#requeue(this.#retries.take(waitsForConnection));
  }

  /** Ends every wait whose time is up, and arms the timer for the next. */
  #expire(now: number): void {
    const { buffer, confirmTimeoutMs } = this.#options;
    const heldBack = this.#heldBack;
    heldBack.isBlocked(now);
    for (const job of this.#due(this.#inFlight, now, (since) => heldBack.confirmDeadline(since))) {
      this.#stats.confirmTimeouts++;
      if (job.slot !== undefined) job.slot.abandoned++;
      this.#failed(job, { kind: 'confirm-timeout', error: new Error(`no confirm came within ${confirmTimeoutMs} ms`) });
    }
    for (const list of [this.#suspects, this.#queue]) {
      for (const job of this.#due(list, now, (since) => heldBack.queueDeadline(since))) {
        this.#failed(job, heldBack.failure());
      }
    }
    for (const job of this.#due(this.#buffer.waiting, now, (since) => since + buffer.waitTimeoutMs)) {
      this.#giveUp(job, { kind: 'buffer-full', error: this.#buffer.fullError(buffer.waitTimeoutMs) });
    }
    this.#pump();
  }

  /** Takes out of a list what is due by now. Lists are in the order of their deadlines. */
  #due(list: JobList, now: number, deadline: (since: number) => number): PublishJob[] {
    const jobs: PublishJob[] = [];
    for (let job = list.head; job !== undefined; job = list.head) {
      const due = deadline(job.since);
      if (due > now) {
        if (due !== Number.POSITIVE_INFINITY) this.#deadlines.arm(due);
        break;
      }
      list.remove(job);
      jobs.push(job);
    }
    return jobs;
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
    for (const job of written) this.#giveUp(job, { kind: 'closed', error, sent: true });
    const unwritten = [...this.#suspects.drain(), ...this.#retries.take(() => true), ...this.#queue.drain()];
    for (const job of [...unwritten, ...this.#buffer.waiting.drain()]) {
      this.#giveUp(job, { kind: 'closed', error, sent: false });
    }
  }
}

const CHANNEL_CLOSE_MS = 1_000;

function endError(end: ChannelEnd): Error {
  if (end.kind === 'closed') return new Error('the channel was closed on this side');
  return end.error ?? new Error('the connection was lost');
}

function waitsForConnection(job: PublishJob): boolean {
  const kind = job.failures?.at(-1)?.kind;
  return kind === 'not-connected' || kind === 'channel-lost';
}

function remember(job: PublishJob, failure: PublishFailure): readonly PublishFailure[] {
  job.failures ??= [];
  if (job.failures.length === MAX_FAILURES) job.failures.shift();
  job.failures.push(failure);
  return job.failures;
}
