import { asError } from '../errors/error-text.js';
import { type Logger, logSafely } from '../events/logger.js';
import { type Clock, within } from '../time/clock.js';
import type { PublishChannel } from '../transport/transport.js';
import { ChannelKeeper } from './channel-keeper.js';
import type { ExchangeLooks } from './exchange-looks.js';
import type { IsolatedLane, Isolation } from './isolation.js';
import type { JobSettlement } from './job-settlement.js';
import { LaneAnswers } from './lane-answers.js';
import { type LaneContent, LanePlaces } from './lane-places.js';
import { Pace } from './pace.js';
import type { PublishCallbacks } from './publish-callbacks.js';
import { PublishDeadlines } from './publish-deadlines.js';
import type { PublishFailure } from './publish-failure.js';
import { type ChannelSlot, type PublishJob, PublishWrite, type Share } from './publish-job.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import type { PublisherStats } from './publisher-stats.js';
import { RetryWaits } from './retry-waits.js';
import { WaitLimits } from './wait-limits.js';

/** What a lane works with. */
export interface PublishLaneSetup {
  readonly open: (timeoutMs: number) => Promise<PublishChannel>;
  readonly isBlocked: () => boolean;
  readonly options: ResolvedPublisherOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly callbacks: PublishCallbacks;
  readonly stats: PublisherStats;
  readonly settlement: JobSettlement;
  readonly isolation: Isolation;
  readonly looks: ExchangeLooks;
  /** Where its messages count in the buffer. */
  readonly share: Share;
  /** It is for one destination that did not answer: it begins carefully, and lets nobody wait for long. */
  readonly isApart: boolean;
  /** Told when the oldest message in flight has no answer for a long time. */
  readonly onSlow?: (lane: PublishLane) => void;
  /** Told when a channel has taken the place of another that still has messages in flight. */
  readonly onReplaced?: (lane: PublishLane) => void;
  /** Told when a channel has ended, after its messages were dealt with. */
  readonly onChannelEnd?: (cause: Error) => void;
}

/**
 * Carries messages over one channel at a time until each is confirmed or has failed for good: which one is written, and
 * when. `guilty-of.ts` and `publish-failure.ts` decide about what fails; `job-settlement.ts` and `carry-out-verdict.ts` do it.
 *
 * A job is in one place at a time, and leaves the last one when its promise settles:
 *
 *     queue -> in flight -> settled
 *       ^ ^       |  \--> lost, until its channel's end is judged --> queue (innocent) or suspects
 *       |  \-- looked for: is there such an exchange?
 *        \-- retries <-- (failed, attempts left)
 */
export class PublishLane implements IsolatedLane {
  readonly share: Share;
  readonly isApart: boolean;
  /** Where its messages are. */
  readonly places: LanePlaces;
  readonly #setup: PublishLaneSetup;
  readonly #clock: Clock;
  readonly #keeper: ChannelKeeper;
  readonly #settlement: JobSettlement;
  readonly #answers: LaneAnswers;
  readonly #deadlines: PublishDeadlines;
  readonly #limits: WaitLimits;
  readonly #pace: Pace;
  #pumping = false;

  constructor(setup: PublishLaneSetup) {
    this.#setup = setup;
    this.#clock = setup.clock;
    this.#settlement = setup.settlement;
    this.share = setup.share;
    this.isApart = setup.isApart;
    this.#limits = new WaitLimits(setup.options, setup.isBlocked);
    const { retry, connectionTimeoutMs, window } = setup.options;
    this.#pace = new Pace(setup.isApart ? 1 : window, window);
    const pauseMs = retry.maxAttempts > 1 ? retry.backoff.initialIntervalMs : 0;
    this.#keeper = new ChannelKeeper(setup.open, setup.clock, connectionTimeoutMs, pauseMs, {
      opened: (slot) => this.#onOpened(slot),
      failed: (error, again) => this.#onOpenFailed(error, again),
      ended: (slot, end) => this.#answers.ended(slot, end),
    });
    this.places = new LanePlaces(new RetryWaits(setup.clock, (jobs) => this.#requeue(jobs)));
    this.#deadlines = new PublishDeadlines({
      ...setup,
      limits: this.#limits,
      places: this.places,
      onTimeout: () => this.#pace.timedOut(),
      onSlow: () => setup.onSlow?.(this),
      onExpired: () => this.pump(),
    });
    this.#answers = new LaneAnswers({
      ...setup,
      lane: this,
      keeper: this.#keeper,
      pace: this.#pace,
      limits: this.#limits,
    });
    setup.isolation.join(this);
    if (setup.isApart) this.#limits.expectConfirms(setup.clock.monotonic());
  }

  /** Where answers to its messages go, on whatever channel they were written. */
  get answers(): LaneAnswers {
    return this.#answers;
  }

  get inFlight(): number {
    return this.places.inFlight.size;
  }

  /** What an end of the connection could be blamed on. A destination that does not answer has not ended anything so far. */
  get unsure(): number {
    return this.isApart ? 0 : this.inFlight;
  }

  get hasConnectionSuspects(): boolean {
    return this.places.hasConnectionSuspects;
  }

  /** No message is here, in whatever state. */
  get isEmpty(): boolean {
    return this.places.isEmpty && !this.#keeper.hasLost;
  }

  /** Its last message was confirmed, and it has found its pace. */
  get isHealthy(): boolean {
    return this.#pace.window > 1;
  }

  /** Takes a job that has room. It is written at the next {@link pump}. */
  add(job: PublishJob, now = this.#clock.monotonic()): void {
    job.lane = this;
    job.queue(this.places.placeOf(job), now);
    if (this.isApart) this.#deadlines.arm(this.#limits.queueDeadline(now));
  }

  /** Puts a job that another one spoilt before all others. */
  putBack(job: PublishJob): void {
    job.queueFirst(this.places.placeOf(job), this.#clock.monotonic());
  }

  retryLater(job: PublishJob, afterMs: number): void {
    this.places.retries.add(job, afterMs);
  }

  /** Takes over jobs of another lane, with what is in flight of them. */
  adopt({ written, waiting }: LaneContent): void {
    for (const write of written) {
      write.job.lane = this;
      write.list?.remove(write);
      this.places.inFlight.push(write);
      this.#deadlines.written(write);
    }
    for (const job of waiting) this.add(job);
    this.pump();
  }

  /** Goes on with another channel; the old one keeps what is in flight on it. */
  replaceChannel(): void {
    this.#keeper.replace();
  }

  /** Closes the channel until there is something to publish again. */
  rest(): void {
    this.#keeper.retireCurrent();
  }

  /** The connection has come back, or said something else that may let messages go. */
  connectionChanged(connected: boolean): void {
    if (connected) this.#endRetryWaits();
    this.#limits.isBlocked(this.#clock.monotonic());
    this.pump();
  }

  /** Writes as much as may be written now. Every event that may have made room ends here. */
  pump(): void {
    // Nothing that is called from the loop may start another one: order would be lost.
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#sendNext()) {}
    this.#pumping = false;
    this.#setup.isolation.pumped(this);
  }

  /** Gives up all that is here, and closes the channel. Never rejects. */
  async close(failure: (sent: boolean) => PublishFailure): Promise<void> {
    const { written, waiting } = this.places.find(() => true);
    for (const { job } of [...written, ...this.#keeper.drainLost()]) this.#settlement.giveUp(job, failure(true));
    for (const job of waiting) this.#settlement.giveUp(job, failure(false));
    this.#deadlines.stop();
    this.places.retries.stop();
    this.#setup.isolation.leave(this);
    await within(this.#clock, CHANNEL_CLOSE_MS, this.#keeper.close(), () => undefined);
  }

  #sendNext(): boolean {
    const { suspects, queue, isIsolating } = this.places;
    const job = suspects.head ?? queue.head;
    if (job === undefined) return false;
    // What is in flight on a channel that was replaced is beside the point: here it may go.
    if (isIsolating || (this.#keeper.current?.inFlight ?? 0) >= this.#pace.window) return false;
    if (!this.#setup.isolation.allows(this, job.suspicion === 'connection')) return false;
    const now = this.#clock.monotonic();
    if (this.#limits.isBlocked(now)) return this.#waitInQueue(job);
    const slot = this.#keeper.acquire();
    if (slot === undefined) return false;
    if (this.#limits.isCongested) return this.#waitInQueue(job);
    if (slot.abandoned >= this.#pace.most) {
      // As many messages as the window holds never got an answer: what the channel still keeps of them must not grow.
      if (slot.inFlight > 0) return false;
      this.#keeper.retire(slot);
      return true;
    }
    if (this.#setup.looks.isKnown(job.publication.exchange)) this.#send(job, slot, now);
    else this.#lookFor(job, now);
    return true;
  }

  #waitInQueue(job: PublishJob): false {
    this.#deadlines.arm(this.#limits.queueDeadline(job.since));
    return false;
  }

  #send(job: PublishJob, slot: ChannelSlot, now: number): void {
    const write = new PublishWrite(job, slot, now);
    let hasRoom: boolean;
    try {
      hasRoom = slot.channel.publish(job.publication, (outcome) => this.#answers.outcome(write, outcome));
    } catch (error) {
      write.lose();
      this.#settlement.giveUp(job, { kind: 'unencodable', error: asError(error) });
      return;
    }
    job.sent(write);
    this.places.inFlight.push(write);
    this.#deadlines.written(write);
    if (!hasRoom) this.#limits.waitForDrain(slot.channel, now, () => this.pump());
  }

  #lookFor(job: PublishJob, now: number): void {
    const { exchange } = job.publication;
    job.queue(this.places.lookedFor, now);
    this.#setup.looks.lookFor(exchange, (missing) => {
      const jobs = [...this.places.lookedFor].filter(({ publication }) => publication.exchange === exchange);
      if (missing !== undefined) {
        for (const each of jobs) this.#settlement.missing(each, missing);
      } else {
        // In the old order, and before all others.
        for (const each of jobs.toReversed()) this.putBack(each);
      }
      this.pump();
    });
  }

  #requeue(jobs: readonly PublishJob[]): void {
    for (const job of jobs) this.add(job);
    this.pump();
  }

  #onOpened(slot: ChannelSlot): void {
    const { stats, callbacks } = this.#setup;
    stats.channelsOpened++;
    slot.channel.onUnclaimedReturn?.((returned) => {
      stats.returned++;
      callbacks.returned(undefined, returned);
    });
    this.#limits.endCongestion();
    if (this.inFlight > 0) this.#setup.onReplaced?.(this);
    this.#endRetryWaits();
    this.pump();
  }

  #onOpenFailed(error: Error, again: boolean): void {
    const jobs = [...this.places.suspects, ...this.places.queue];
    const fields = { err: error, messages: jobs.length };
    logSafely(this.#setup.logger, again ? 'debug' : 'warn', fields, 'there is no connection to publish on');
    for (const job of jobs) this.#settlement.failed(job, { kind: 'not-connected', error });
    this.pump();
  }

  /** What waits only for a connection need not wait longer than until there is one. */
  #endRetryWaits(): void {
    this.#keeper.endPause();
    const { retries } = this.places;
    if (retries.size > 0) this.#requeue(retries.take(waitsForConnection));
  }
}

const CHANNEL_CLOSE_MS = 1_000;

function waitsForConnection(job: PublishJob): boolean {
  const kind = job.failures?.at(-1)?.kind;
  return kind === 'not-connected' || kind === 'channel-lost';
}
