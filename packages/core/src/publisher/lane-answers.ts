import { type Logger, logSafely } from '../events/logger.js';
import type { Clock } from '../time/clock.js';
import type { ChannelEnd, PublishOutcome } from '../transport/transport.js';
import { carryOutVerdict } from './carry-out-verdict.js';
import type { ChannelKeeper } from './channel-keeper.js';
import type { ExchangeLooks } from './exchange-looks.js';
import { channelEndError, guiltyOf, isExchangeMissing } from './guilty-of.js';
import type { IsolatedLane, Isolation } from './isolation.js';
import type { JobSettlement } from './job-settlement.js';
import type { Pace } from './pace.js';
import type { ChannelSlot, JobLane, PublishJob, PublishWrite } from './publish-job.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import type { PublisherStats } from './publisher-stats.js';
import type { WaitLimits } from './wait-limits.js';

/** What the answers of a lane work with. */
export interface LaneAnswersSetup {
  readonly lane: JobLane & IsolatedLane;
  readonly isApart: boolean;
  readonly options: ResolvedPublisherOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: PublisherStats;
  readonly settlement: JobSettlement;
  readonly isolation: Isolation;
  readonly looks: ExchangeLooks;
  readonly keeper: ChannelKeeper;
  readonly pace: Pace;
  readonly limits: WaitLimits;
  /** Told when a channel has ended, after its messages were dealt with. */
  readonly onChannelEnd?: (cause: Error) => void;
}

/** A channel no older than this is fresh. A queue that is full costs no more channels than one in this time. */
const FRESH_MS = 1_000;

/** What the broker says to the messages of a lane, and what the end of one of its channels says about them. */
export class LaneAnswers {
  readonly #setup: LaneAnswersSetup;

  constructor(setup: LaneAnswersSetup) {
    this.#setup = setup;
  }

  /** The answer to one write on a channel of this lane, or the want of one. */
  outcome(write: PublishWrite, outcome: PublishOutcome): void {
    const { job, slot } = write;
    if (outcome.kind === 'lost') {
      if (!write.lose()) return;
      slot.lost.push(write);
      if (slot.end !== undefined) this.#judge(slot, slot.end);
      return;
    }
    const lane = job.lane;
    const isAwaited = write.answer();
    if (isAwaited) lane.answers.answered(write, outcome);
    else if (outcome.kind === 'ack' && outcome.returned === undefined) lane.answers.lateAck(job);
    this.#setup.lane.pump();
    if (lane !== this.#setup.lane) lane.pump();
  }

  answered({ job, slot }: PublishWrite, outcome: Exclude<PublishOutcome, { kind: 'lost' }>): void {
    this.#setup.pace.confirmed();
    if (this.#setup.isApart) this.#setup.limits.expectConfirms(this.#setup.clock.monotonic());
    if (outcome.kind === 'nack') this.#setup.settlement.nacked(job, outcome.returned, this.#goesFresh(job, slot));
    else if (outcome.returned === undefined) this.#setup.settlement.confirmed(job);
    else this.#setup.settlement.returned(job, outcome.returned);
  }

  /**
   * Opens another channel for the next attempt when the one that answered with a nack is not fresh. Answers whether this nack
   * does not count, because no attempt would be left for that, and no other channel was asked.
   * RabbitMQ 3.10 refuses everything for a quorum queue, for ever, on a channel that was opened while its leader was elected.
   */
  #goesFresh(job: PublishJob, slot: ChannelSlot): boolean {
    const { clock, keeper, options } = this.#setup;
    job.nackedOn ??= slot;
    const isFirstChannel = job.nackedOn === slot;
    if (clock.monotonic() - slot.openedAt < FRESH_MS) return false;
    if (keeper.isCurrent(slot)) keeper.replace();
    const isLastAttempt = job.attempts + 1 >= options.retry.maxAttempts;
    return isLastAttempt && isFirstChannel && !job.failures?.some(({ kind }) => kind === 'nacked-by-channel');
  }

  /** An attempt that was given up after `confirmTimeout` succeeded: welcome for as long as somebody waits. */
  lateAck(job: PublishJob): void {
    if (job.state.kind === 'settled') this.#setup.stats.lateConfirms++;
    else this.#setup.settlement.confirmed(job);
  }

  /** A channel of this lane has ended. */
  ended(slot: ChannelSlot, end: ChannelEnd): void {
    if (end.kind === 'channel-error') {
      this.#setup.stats.channelErrors++;
      const text = `the broker closed a publishing channel: ${end.replyText}`;
      logSafely(this.#setup.logger, 'warn', { replyCode: end.replyCode, inFlight: slot.lost.length }, text);
    }
    this.#judge(slot, end);
    this.#setup.onChannelEnd?.(channelEndError(end));
  }

  #judge(slot: ChannelSlot, end: ChannelEnd): void {
    // What an earlier write has settled meanwhile is nobody's business any more.
    const lost = slot.lost.splice(0).filter((write) => write.job.state === write);
    const jobs = lost.map(({ job }) => job);
    const { isolation, lane, looks, stats, settlement } = this.#setup;
    const bystanders = isolation.isHeldBesides(lane);
    if (isExchangeMissing(end)) for (const { publication } of jobs) looks.forget(publication.exchange);
    carryOutVerdict(guiltyOf(end, jobs, { others: slot.abandoned > 0, bystanders }), end, { settlement, stats });
    lane.pump();
  }
}
