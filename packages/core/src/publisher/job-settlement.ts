import type { EventSink } from '../events/event-hub.js';
import type { Clock } from '../time/clock.js';
import type { ChannelEnd, ReturnInfo } from '../transport/transport.js';
import { decideAfterFailure, type PublishFailure } from './decide-retry.js';
import { isExchangeMissing } from './guilty-of.js';
import type { JobList } from './job-list.js';
import type { PublishBuffer } from './publish-buffer.js';
import type { PublishCallbacks } from './publish-callbacks.js';
import type { PublishEvent } from './publish-event.js';
import { publishFailureError } from './publish-failure-error.js';
import type { PublishJob } from './publish-job.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import type { PublisherStats } from './publisher-stats.js';
import type { RetryWaits } from './retry-waits.js';

/** What a settlement works with. */
export interface JobSettlementSetup {
  readonly options: ResolvedPublisherOptions;
  readonly clock: Clock;
  readonly callbacks: PublishCallbacks;
  readonly events: EventSink<PublishEvent> | undefined;
  readonly stats: PublisherStats;
  /** Where room is given back when a job ends. */
  readonly buffer: PublishBuffer;
  /** Where those go that get the room. */
  readonly queue: JobList;
  /** Where those wait that are tried again. */
  readonly retries: RetryWaits;
  /** Told when a job has ended and the buffer is empty. */
  readonly onIdle: () => void;
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
  readonly #buffer: PublishBuffer;
  readonly #queue: JobList;
  readonly #retries: RetryWaits;
  readonly #onIdle: () => void;

  constructor(setup: JobSettlementSetup) {
    this.#options = setup.options;
    this.#clock = setup.clock;
    this.#callbacks = setup.callbacks;
    this.#events = setup.events;
    this.#stats = setup.stats;
    this.#buffer = setup.buffer;
    this.#queue = setup.queue;
    this.#retries = setup.retries;
    this.#onIdle = setup.onIdle;
  }

  /** The broker has the message. */
  confirmed(job: PublishJob): void {
    const confirmed = this.#options.confirms !== 'none';
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
    job.list?.remove(job);
    this.#callbacks.returned(job.publication, returned);
    this.#callbacks.answered(job.publication, true);
    const error = new Error(`basic.return ${returned.replyCode} ${returned.replyText}`);
    this.failed(job, { kind: 'unroutable', error, returned });
  }

  /** The broker refused responsibility for the message, and may have returned it as well. */
  nacked(job: PublishJob, returned: ReturnInfo | undefined): void {
    this.#stats.nacked++;
    job.list?.remove(job);
    if (returned !== undefined) this.#callbacks.returned(job.publication, returned);
    this.#callbacks.answered(job.publication, false);
    this.failed(job, { kind: 'nacked', error: new Error('the broker answered basic.nack') });
  }

  /** The broker closed the channel because of this message. */
  refused(job: PublishJob, end: Extract<ChannelEnd, { kind: 'channel-error' }>): void {
    // What ends a channel alone would have ended the earlier one too, so its first attempt was no success either.
    job.failures = job.failures?.filter((failure) => failure.kind !== 'spoilt');
    this.#callbacks.answered(job.publication, false, end.replyText);
    this.failed(job, { kind: isExchangeMissing(end) ? 'exchange-missing' : 'refused', error: end.error });
  }

  /** One attempt failed: tries again later, or gives up. */
  failed(job: PublishJob, failure: PublishFailure): void {
    // Being blocked is a wait, not an attempt.
    if (failure.kind !== 'blocked') job.attempts++;
    job.suspect = false;
    const decision = decideAfterFailure(this.#options.retry, failure, job.attempts);
    if (decision.action === 'fail') {
      this.giveUp(job, failure);
      return;
    }
    this.#stats.retried++;
    job.list?.remove(job);
    job.remember(failure);
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

  /** Rejects the promise. */
  giveUp(job: PublishJob, failure: PublishFailure): void {
    this.#stats.failed++;
    this.#leave(job);
    const failures = job.remember(failure);
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
    if (this.#buffer.messages === 0) this.#onIdle();
  }
}
