import { randomUUID } from 'node:crypto';
import { type Logger, logSafely } from '../events/logger.js';
import type { Message, Publication } from '../message/message.js';
import type { Clock } from '../time/clock.js';
import { PublishError, RemoteFailureError, RequestTimeoutError } from './publish-error.js';
import { describePublication } from './publish-failure.js';
import type { PublishJob } from './publish-job.js';
import type { PublisherStats } from './publisher-stats.js';
import { readRemoteFailure } from './remote-failure.js';

/** The pseudo-queue that replies come from, on the channel that the request was published on. */
export const DIRECT_REPLY_TO = 'amq.rabbitmq.reply-to';

/** Spring looks for the correlation of a request in this header too. */
const SPRING_CORRELATION_HEADER = 'spring_request_return_correlation';

/** What a requester works with. */
export interface RequesterSetup {
  /** Publishes a request; calls back when the broker has it, or when it has failed. */
  readonly submit: (publication: Publication, confirmed: () => void, failed: (error: Error) => void) => PublishJob;
  /** Nobody waits for a request any more: it is not published if it has not been. */
  readonly withdraw: (job: PublishJob, error: Error) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: PublisherStats;
}

interface Waiting {
  readonly publication: Publication;
  readonly cancelTimer: () => void;
  readonly resolve: (reply: Message) => void;
  readonly reject: (error: Error) => void;
  /** The broker has the request, so that only the reply is outstanding. */
  confirmed: boolean;
  job: PublishJob | undefined;
}

/**
 * Sends requests and matches replies to them by correlation id.
 * @see https://www.rabbitmq.com/docs/direct-reply-to
 */
export class Requester {
  readonly #setup: RequesterSetup;
  readonly #waiting = new Map<string, Waiting>();

  constructor(setup: RequesterSetup) {
    this.#setup = setup;
  }

  /** Requests that wait for their reply. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Publishes a request and resolves to its reply.
   * @throws {RequestTimeoutError} when no reply came within `timeoutMs`
   * @throws {RemoteFailureError} when the reply tells an error
   * @throws {PublishError} when the request could not be published, or its reply can no longer arrive
   */
  request(publication: Publication, timeoutMs: number): Promise<Message> {
    const correlationId = randomUUID();
    const request: Publication = {
      ...publication,
      properties: { ...publication.properties, correlationId, replyTo: DIRECT_REPLY_TO },
      headers: { ...publication.headers, [SPRING_CORRELATION_HEADER]: correlationId },
    };
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#setup.clock.after(timeoutMs, () => this.#onTimeout(correlationId, timeoutMs), true);
      const waiting: Waiting = { publication: request, cancelTimer, resolve, reject, confirmed: false, job: undefined };
      this.#waiting.set(correlationId, waiting);
      // Said at once: the channel may end right behind the confirm.
      const confirmed = () => {
        waiting.confirmed = true;
      };
      waiting.job = this.#setup.submit(request, confirmed, (error) => this.#take(correlationId)?.reject(error));
    });
  }

  /** A reply came, perhaps one that nobody waits for any more. */
  onReply(reply: Message): void {
    const waiting = reply.correlationId === undefined ? undefined : this.#take(reply.correlationId);
    if (waiting === undefined) {
      this.#setup.stats.lateReplies++;
      const { correlationId } = reply;
      logSafely(this.#setup.logger, 'debug', { correlationId }, 'dropped a reply that nobody waits for');
      return;
    }
    const failure = readRemoteFailure(reply);
    if (failure === undefined) waiting.resolve(reply);
    else waiting.reject(new RemoteFailureError(failure));
  }

  /** The channel is gone, and with it the address of every reply that is outstanding. */
  onChannelEnd(cause: Error): void {
    for (const [correlationId, waiting] of this.#waiting) {
      if (!waiting.confirmed) continue;
      const text = `${describePublication(waiting.publication)} was confirmed, but its reply cannot arrive: the channel that waited for it is gone. The request may have been handled.`;
      const details = { publication: waiting.publication, fate: 'unknown', attempts: 1, causes: [cause] } as const;
      this.#take(correlationId)?.reject(new PublishError('LEV_PUBLISH_CHANNEL_LOST', text, details));
    }
  }

  #onTimeout(correlationId: string, timeoutMs: number): void {
    const waiting = this.#take(correlationId);
    if (waiting === undefined) return;
    const sent = waiting.confirmed || waiting.job?.state.kind === 'sent' || waiting.job?.failures !== undefined;
    const may = sent ? 'It may have been handled.' : 'It was not sent, and will not be.';
    const text = `${describePublication(waiting.publication)} got no reply within ${timeoutMs} ms. ${may}`;
    const error = new RequestTimeoutError(text, { correlationId, timeoutMs });
    if (waiting.job !== undefined) this.#setup.withdraw(waiting.job, error);
    waiting.reject(error);
  }

  #take(correlationId: string): Waiting | undefined {
    const waiting = this.#waiting.get(correlationId);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(correlationId);
    waiting.cancelTimer();
    return waiting;
  }
}
