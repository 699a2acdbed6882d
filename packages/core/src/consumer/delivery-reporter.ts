import { LeveretError } from '../errors/leveret-error.js';
import { AlikeLines, type LineDecision } from '../events/alike-lines.js';
import type { DeliveryEvent } from '../events/delivery-event.js';
import type { EventSink } from '../events/event-hub.js';
import { type Logger, logSafely } from '../events/logger.js';
import type { Clock } from '../time/clock.js';
import type { Delivery } from '../transport/transport.js';
import type { DeliveryNews } from './delivery-news.js';
import type { ListenerCounts } from './listener-counters.js';
import { OUTCOME_TO, type OutcomeTeller } from './tell-outcome.js';

/** Counts, logs and publishes what happens to deliveries: the one place that every drop passes. */
export class DeliveryReporter {
  readonly counts: ListenerCounts;
  readonly #listenerId: string;
  readonly #events: EventSink<DeliveryEvent>;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #outcomes: Pick<OutcomeTeller, 'tell'> | undefined;
  /** Codes of the errors for which a dropped reply was logged. */
  readonly #causesSaid = new Set<string>();
  /** What is said of messages that come back at once, and fail again. */
  readonly #circling: AlikeLines;

  /** @param outcomes told of the messages whose sender wants to know what becomes of them */
  constructor(
    listenerId: string,
    counts: ListenerCounts,
    events: EventSink<DeliveryEvent>,
    logger: Logger,
    clock: Clock,
    outcomes?: Pick<OutcomeTeller, 'tell'>,
  ) {
    this.#circling = new AlikeLines(clock);
    this.#clock = clock;
    this.#listenerId = listenerId;
    this.counts = counts;
    this.#events = events;
    this.#logger = logger;
    this.#outcomes = outcomes;
  }

  /** The hot path: a message came in. */
  received(delivery: Delivery): void {
    this.counts.received++;
    if (!this.#events.idle) this.#emit(delivery, { type: 'received' });
  }

  /** The hot path: a message was handled and acknowledged. */
  handled(delivery: Delivery, startedAt: number, attempts: number): void {
    this.counts.handled++;
    const isAsked = delivery.message.headers[OUTCOME_TO] !== undefined;
    if (this.#events.idle && !isAsked) return;
    const news = { type: 'handled', durationMs: this.#clock.monotonic() - startedAt, attempts } as const;
    if (isAsked) this.#outcomes?.tell(delivery, news);
    if (!this.#events.idle) this.#emit(delivery, news);
  }

  /** Anything else. */
  report(delivery: Delivery, news: DeliveryNews): void {
    this.counts[COUNTER[news.type]]++;
    this.#log(delivery, news);
    if (news.type === 'invalid') this.#logBody(delivery);
    if (delivery.message.headers[OUTCOME_TO] !== undefined) this.#outcomes?.tell(delivery, news);
    if (!this.#events.idle) this.#emit(delivery, news);
  }

  #emit(delivery: Delivery, news: DeliveryNews): void {
    this.#events.emit({
      ...news,
      listenerId: this.#listenerId,
      queue: delivery.queue,
      message: delivery.message,
    } as DeliveryEvent);
  }

  /** What a body holds is shown to nobody but those who look for faults: error texts do without it. */
  #logBody({ message: { body, messageId } }: Delivery): void {
    if (body.length === 0) return;
    const fields = { listener: this.#listenerId, messageId, body: body.toString('utf8', 0, MAX_BODY_SHOWN) };
    logSafely(this.#logger, 'debug', fields, 'the body of the message that cannot be handled begins so');
  }

  /** Who sends requests must not fill the log with replies that nobody can get: each cause is said once, and all are counted. */
  #isNews(news: DeliveryNews): boolean {
    if (news.type !== 'reply-dropped') return true;
    const cause = LeveretError.is(news.error) ? news.error.code : 'other';
    if (this.#causesSaid.has(cause)) return false;
    this.#causesSaid.add(cause);
    return true;
  }

  /** A message that comes back at once and fails again would fill the log: all are counted, and told at growing distances. */
  #decideCircling({ message }: Delivery, news: DeliveryNews): LineDecision {
    const isFailure = news.type === 'failed' && news.attempt === 1;
    if (!message.redelivered || !(isFailure || news.type === 'requeued')) return { say: true, unsaid: 0 };
    return this.#circling.decide(`${news.type} ${message.messageId ?? message.routingKey}`);
  }

  #log(delivery: Delivery, news: DeliveryNews): void {
    const line = LINES[news.type];
    if (line === undefined || !this.#isNews(news)) return;
    const circling = this.#decideCircling(delivery, news);
    const [given, text] = news.type === 'rejected' && news.kept === 'unknown' ? REJECTED_SOMEWHERE : line;
    const level = circling.say ? given : 'debug';
    const { type: _type, error, ...facts } = news as { type: string; error?: unknown };
    logSafely(
      this.#logger,
      level,
      {
        listener: this.#listenerId,
        queue: delivery.queue,
        messageId: delivery.message.messageId,
        deliveryTag: delivery.deliveryTag,
        ...facts,
        ...(circling.say && circling.unsaid > 0 ? { moreAlike: circling.unsaid, hint: CIRCLING } : {}),
        ...(error === undefined ? {} : { err: error }),
      },
      text,
    );
  }
}

const CIRCLING =
  'the message goes back to its queue and comes again at once: say retry, redeliver, or defaultRequeueRejected: false';

const MAX_BODY_SHOWN = 200;

const COUNTER: Readonly<Record<DeliveryNews['type'], keyof ListenerCounts>> = {
  received: 'received',
  handled: 'handled',
  failed: 'failed',
  retried: 'retried',
  redelivery: 'redeliveries',
  'redelivery-failed': 'redeliveryFailed',
  invalid: 'invalid',
  recovered: 'recovered',
  'recoverer-failed': 'recovererFailed',
  acknowledged: 'acknowledged',
  requeued: 'requeued',
  rejected: 'rejected',
  dropped: 'dropped',
  skipped: 'skipped',
  'given-back': 'givenBack',
  'put-off': 'putOff',
  throttled: 'throttled',
  'crash-loop': 'crashLoops',
  'crash-loop-unknown': 'crashLoopsUnknown',
  duplicate: 'duplicates',
  'in-progress': 'inProgress',
  'idempotency-failed': 'idempotencyFailed',
  'claim-lost': 'claimsLost',
  'not-remembered': 'notRemembered',
  'settled-late': 'settledLate',
  'retryable-failed': 'retryableFailed',
  undecided: 'undecided',
  'channel-gone': 'channelGone',
  'taken-back': 'takenBack',
  abandoned: 'abandoned',
  'settle-conflict': 'settleConflicts',
  'left-unsettled': 'leftUnsettled',
  replied: 'replied',
  'reply-dropped': 'repliesDropped',
};

const REJECTED_SOMEWHERE = [
  'warn',
  'message rejected; it is not known here whether its queue has a dead letter exchange: without one it is gone',
] as const;

const LINES: Partial<Record<DeliveryNews['type'], readonly ['debug' | 'info' | 'warn' | 'error', string]>> = {
  failed: ['warn', 'handler failed'],
  retried: ['info', 'will try again here'],
  redelivery: ['info', 'message waits at the broker, and comes back'],
  'redelivery-failed': ['error', 'message could not be sent to where it waits; it is requeued after a pause'],
  invalid: ['error', 'message cannot be handled'],
  recovered: ['warn', 'recoverer took the message'],
  'recoverer-failed': ['error', 'recoverer failed; the message is requeued after a pause'],
  acknowledged: ['info', 'message acknowledged although it failed'],
  requeued: ['info', 'message requeued'],
  rejected: ['warn', 'message rejected to the dead letter exchange'],
  skipped: ['error', 'message skipped: nothing can be rejected on a stream, which keeps it'],
  dropped: ['error', 'message dropped: the broker keeps no copy'],
  'given-back': ['debug', 'message given back to its queue'],
  'crash-loop': ['error', 'the process ended again and again while this message was handled: it is not handled again'],
  'crash-loop-unknown': [
    'error',
    'nobody knows whether the process ended while this message was handled; it is held, and asked again',
  ],
  'put-off': ['debug', 'message kept until the listener goes on'],
  duplicate: ['info', 'duplicate: handled before, and acknowledged'],
  'in-progress': ['info', 'message is being handled elsewhere, and is held'],
  'idempotency-failed': ['error', 'nobody knows whether the message was handled; it is held, and asked again'],
  'claim-lost': ['error', 'claim lost while the handler ran; the message may have taken effect twice'],
  'not-remembered': ['error', 'handled, not remembered: acknowledged, and the guard goes on trying to remember it'],
  'settled-late': ['error', 'settled by a handler whose attempt is over and undone; refused'],
  'retryable-failed': ['error', 'retryable() threw: the failure counts as not worth another attempt'],
  undecided: ['error', 'what becomes of the delivery could not be decided; it is requeued after a pause'],
  'taken-back': ['warn', 'not settled in time: the broker took the message back and delivers it again'],
  'channel-gone': ['warn', 'channel gone before the message was settled; the broker delivers it again'],
  abandoned: ['error', 'handler still running at the end of the shutdown; the broker delivers the message again'],
  'settle-conflict': ['error', 'a second, different settlement was refused'],
  'reply-dropped': ['error', 'reply dropped; further ones for the same reason are only counted'],
  'left-unsettled': ['error', 'handler failed in manual mode without settling; the message stays unacknowledged'],
};
