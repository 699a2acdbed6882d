import type { EventSink } from '../events/event-hub.js';
import type { Clock } from '../time/clock.js';
import type { ChannelEnd, ReturnInfo } from '../transport/transport.js';
import type { FailingDestinations } from './failing-destinations.js';
import { channelEndError, isExchangeMissing } from './guilty-of.js';
import type { PublishBuffer } from './publish-buffer.js';
import type { PublishCallbacks } from './publish-callbacks.js';
import type { PublishEvent } from './publish-event.js';
import {
  decideAfterFailure,
  type ExplainPublish,
  type PublishFailure,
  publishFailureError,
  usesAttempt,
} from './publish-failure.js';
import type { PublishJob } from './publish-job.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import type { PublisherStats } from './publisher-stats.js';

/** What a settlement works with. */
export interface JobSettlementSetup {
  readonly options: ResolvedPublisherOptions;
  readonly clock: Clock;
  readonly callbacks: PublishCallbacks;
  readonly events: EventSink<PublishEvent> | undefined;
  readonly stats: PublisherStats;
  readonly explain?: ExplainPublish | undefined;
  /** Where room is given back when a job ends. */
  readonly buffer: PublishBuffer;
  /** Where destinations are remembered that confirm nothing. */
  readonly failing: FailingDestinations;
  /** Told when a job has got the room that it waited for. */
  readonly onAdmitted: (job: PublishJob) => void;
  /** Told when a job has ended. */
  readonly onSettled: (job: PublishJob) => void;
  /** Told when the broker has ended a channel or a connection because of a job. */
  readonly onRefused: (job: PublishJob) => void;
}

/**
 * What an answer of the broker, or the want of one, means for a job: its promise settles, or it waits for another attempt.
 * Counts, callbacks and events are made here. Nothing is written to a channel: whoever calls has made room, and goes on
 * sending afterwards.
 */
export class JobSettlement {
  readonly #options: ResolvedPublisherOptions;
  readonly #clock: Clock;
  readonly #callbacks: PublishCallbacks;
  readonly #events: EventSink<PublishEvent> | undefined;
  readonly #stats: PublisherStats;
  readonly #setup: JobSettlementSetup;

  constructor(setup: JobSettlementSetup) {
    this.#options = setup.options;
    this.#clock = setup.clock;
    this.#callbacks = setup.callbacks;
    this.#events = setup.events;
    this.#stats = setup.stats;
    this.#setup = setup;
  }

  /** The broker has the message. */
  confirmed(job: PublishJob): void {
    const confirmed = this.#options.confirms !== 'none';
    this.#setup.failing.confirmed(job.publication);
    this.#stats.confirmed++;
    job.attempts++;
    this.#leave(job);
    if (confirmed) this.#callbacks.answered(job.publication, true);
    const { publication, attempts } = job;
    const confirmMs = Math.round(this.#clock.monotonic() - job.since);
    const receipt = { messageId: publication.properties.messageId, confirmed, confirmMs, attempts };
    if (this.#events?.idle === false) this.#events.emit({ type: 'publish-confirmed', publication, receipt });
    job.resolve(receipt);
  }

  /** The broker acked the message after it had returned it: no queue has it. */
  returned(job: PublishJob, returned: ReturnInfo): void {
    this.#stats.returned++;
    this.#setup.failing.confirmed(job.publication);
    this.#callbacks.returned(job.publication, returned);
    this.#callbacks.answered(job.publication, true);
    const error = new Error(`basic.return ${returned.replyCode} ${returned.replyText}`);
    this.failed(job, { kind: 'unroutable', error, returned });
  }

  /**
   * The broker refused responsibility for the message, and may have returned it as well.
   * @param byChannel the channel may be the reason, and another one is on its way
   */
  nacked(job: PublishJob, returned: ReturnInfo | undefined, byChannel: boolean): void {
    this.#stats.nacked++;
    if (returned !== undefined) this.#callbacks.returned(job.publication, returned);
    this.#callbacks.answered(job.publication, false);
    const kind = byChannel ? 'nacked-by-channel' : 'nacked';
    this.failed(job, { kind, error: new Error('the broker answered basic.nack') });
  }

  /** The broker closed the channel or the connection because of this message. */
  refused(job: PublishJob, end: ChannelEnd): void {
    // What ends a channel alone would have ended the earlier one too, so its first attempt was no success either.
    const failures = job.failures?.filter(({ kind }) => kind !== 'spoilt') ?? [];
    job.failures = isSome(failures) ? failures : undefined;
    const reason = end.kind === 'channel-error' ? end.replyText : channelEndError(end).message;
    this.#callbacks.answered(job.publication, false, reason);
    const kind = isExchangeMissing(end) ? 'exchange-missing' : 'refused';
    if (kind === 'refused') this.#setup.onRefused(job);
    this.failed(job, { kind, error: channelEndError(end) });
  }

  /** The broker has no such exchange, as it said before the message was written. */
  missing(job: PublishJob, { error, replyText }: { readonly error: Error; readonly replyText: string }): void {
    this.#callbacks.answered(job.publication, false, replyText);
    this.failed(job, { kind: 'exchange-missing', error });
  }

  /** One attempt failed: tries again later, or gives up. */
  failed(job: PublishJob, failure: PublishFailure): void {
    if (usesAttempt(failure)) job.attempts++;
    this.#setup.failing.failed(job, failure, this.#clock.monotonic());
    // What was not even sent has not shown that it does no harm.
    if (failure.kind !== 'not-connected') job.suspicion = 'none';
    const decision = job.withdrawn
      ? ({ action: 'fail' } as const)
      : decideAfterFailure(this.#options.retry, failure, job.attempts);
    if (decision.action === 'fail') {
      this.giveUp(job, failure);
      return;
    }
    const { afterMs } = decision;
    this.#stats.retried++;
    job.remember(failure);
    job.lane.retryLater(job, afterMs);
    const { publication, attempts: attempt } = job;
    this.#events?.emit({ type: 'publish-retried', publication, error: failure.error, attempt, delayMs: afterMs });
  }

  /** Rejects the promise. */
  giveUp(job: PublishJob, failure: PublishFailure): void {
    this.#stats.failed++;
    this.#leave(job);
    const failures = job.remember(failure);
    const error = publishFailureError(job.publication, failures, job.attempts, this.#setup.explain);
    this.#events?.emit({ type: 'publish-failed', publication: job.publication, error });
    job.reject(error);
  }

  /** The one place where a job ends: takes it out of wherever it is and makes room for others. */
  #leave(job: PublishJob): void {
    const { buffer, onAdmitted, onSettled } = this.#setup;
    buffer.release(job);
    job.settle();
    for (let next = buffer.admit(); next !== undefined; next = buffer.admit()) onAdmitted(next);
    onSettled(job);
  }
}

function isSome<T>(items: readonly T[]): items is [T, ...T[]] {
  return items.length > 0;
}
