import type { ApplicationPart, PartHost } from '../events/application-part.js';
import type { EventSink } from '../events/event-hub.js';
import type { Logger } from '../events/logger.js';
import type { Message, Publication } from '../message/message.js';
import type { MessageConverter } from '../message/message-converter.js';
import type { PayloadType } from '../message/payload-type.js';
import type { Clock } from '../time/clock.js';
import type { ReplyChannel, Transport, Unanswered } from '../transport/transport.js';
import type { PublishRoute } from './build-publication.js';
import type { DelayedPublishes } from './delayed-publishes.js';
import { ExchangeLooks } from './exchange-looks.js';
import { Isolation } from './isolation.js';
import type { PublishCallbacks } from './publish-callbacks.js';
import type { PublishEvent } from './publish-event.js';
import type { ExplainPublish } from './publish-failure.js';
import type { BodySource } from './publish-job.js';
import { PublishLanes, type PublishLanesSetup } from './publish-lanes.js';
import type { PublishReceipt } from './publish-options.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';
import { type PublisherStats, zeroStats } from './publisher-stats.js';
import { DIRECT_REPLY_TO, Requester } from './requester.js';
import { unconfirmedDestinations } from './unconfirmed-destinations.js';

/** What a publisher works with. */
export interface PublisherSetup {
  readonly transport: Transport;
  readonly options: ResolvedPublisherOptions;
  readonly converter: MessageConverter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told what happens to each publish. */
  readonly events?: EventSink<PublishEvent>;
  /** Takes what works with this publisher into the application's log, events and health. */
  readonly attach?: (part: ApplicationPart) => PartHost;
  /** Where instances of a class go that says so itself; `undefined` for all others. */
  readonly routeOf?: (payload: object) => PublishRoute | undefined;
  /** Reads a reply as what the caller asked for; a promise when rules are asynchronous. Default: what the converter makes. */
  readonly readReply?: (reply: Message, type: PayloadType) => unknown;
  /** Says more about a message that had no queue or no exchange. */
  readonly explain?: ExplainPublish;
  /** Where delayed messages wait. Default: with those of every application that has no service. */
  readonly delayed?: DelayedPublishes;
}

/** Requests, or replies, that may be unconfirmed at a time where the publisher itself has no window. */
const WINDOW = 256;

/** How long a handler waits for the confirm of its reply at most. */
const REPLY_CONFIRM_MS = 5_000;

/** How long the broker may take to say whether an exchange is there; after that it is taken to be. */
const LOOK_TIMEOUT_MS = 5_000;

/** What a publisher holds now. */
export interface PublisherHoldings {
  /** Messages held: waiting for room, queued, in flight, or between attempts. */
  readonly held: number;
  /** Bytes of the bodies that are kept of them. */
  readonly heldBytes: number;
  readonly inFlight: number;
  /** Destinations (exchange and routing key) that do not answer, and have a channel of their own for it. */
  readonly apart: number;
}

/**
 * The ways that the messages of a publisher go: its own messages, replies, and requests have channels and buffers of their
 * own, so that none of these holds up another.
 */
export class PublishWays {
  readonly stats: PublisherStats = zeroStats();
  readonly #setup: PublisherSetup;
  readonly #callbacks: PublishCallbacks;
  readonly #isolation = new Isolation();
  readonly #looks: ExchangeLooks;
  readonly #own: PublishLanes;
  readonly #unsubscribe: () => void;
  #replies: PublishLanes | undefined;
  #requests: { readonly requester: Requester; readonly lanes: PublishLanes } | undefined;
  #closing: Promise<unknown> | undefined;

  constructor(setup: PublisherSetup, callbacks: PublishCallbacks) {
    this.#setup = setup;
    this.#callbacks = callbacks;
    this.#looks = new ExchangeLooks(setup.transport, LOOK_TIMEOUT_MS);
    this.#unsubscribe = setup.transport.on((event) => {
      if (event.type === 'disconnected' && event.role === 'publish') this.#looks.forgetAll();
    });
    this.#own = this.#openLanes(setup.options);
  }

  get holdings(): PublisherHoldings {
    const sum = (of: (lanes: PublishLanes) => number) => this.#all.reduce((total, lanes) => total + of(lanes), 0);
    return {
      held: sum(({ held }) => held),
      heldBytes: sum(({ heldBytes }) => heldBytes),
      inFlight: sum(({ inFlight }) => inFlight),
      apart: sum(({ apart }) => apart),
    };
  }

  /** Destinations that confirm nothing. Not those of replies: whoever asks chooses them. */
  unanswered(olderThanMs: number): readonly Unanswered[] {
    const now = this.#setup.clock.monotonic();
    const ways = this.#all.filter((lanes) => lanes !== this.#replies);
    const [jobs, failing] = [
      ways.flatMap((lanes) => [...lanes.unconfirmed]),
      ways.flatMap((lanes) => lanes.failing(now)),
    ];
    return unconfirmedDestinations(jobs, failing, olderThanMs, now);
  }

  /** Publishes a message of the application. */
  send(publication: Publication, source: BodySource): Promise<PublishReceipt> {
    return this.#submit(this.#own, publication, source);
  }

  reply(publication: Publication, source: BodySource): Promise<PublishReceipt> {
    this.#replies ??= this.#openLanes(optionsOfReplies(this.#setup.options));
    return this.#submit(this.#replies, publication, source);
  }

  get requester(): Requester {
    this.#requests ??= this.#openRequests();
    return this.#requests.requester;
  }

  /** Takes no more messages, and ends when all before have settled, or at the time limit. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    this.#closing = Promise.all(this.#all.map((lanes) => lanes.close(timeoutMs)));
    await this.#closing;
    this.#unsubscribe();
  }

  get #all(): readonly PublishLanes[] {
    return [this.#own, this.#replies, this.#requests?.lanes].filter((lanes) => lanes !== undefined);
  }

  #submit(lanes: PublishLanes, publication: Publication, source: BodySource): Promise<PublishReceipt> {
    return new Promise((resolve, reject) => {
      lanes.submit(this.#withoutFalseReturns(publication), resolve, reject, source);
    });
  }

  /**
   * Asks for no return where one would come although the message is delivered: RabbitMQ before 4.3 returns direct replies, and
   * the delayed message exchange plugin returns whatever it holds back.
   */
  #withoutFalseReturns(publication: Publication): Publication {
    const { mandatory, exchange, routingKey, headers } = publication;
    if (!mandatory) return publication;
    const isReply = exchange === '' && routingKey.startsWith(DIRECT_REPLY_PREFIX);
    const isHeldBack = headers['x-delay'] !== undefined && this.#setup.transport.delays?.(exchange) === true;
    return isReply || isHeldBack ? { ...publication, mandatory: false } : publication;
  }

  #openLanes(options: ResolvedPublisherOptions, more: Partial<PublishLanesSetup> = {}): PublishLanes {
    const { transport, clock, logger, events, explain } = this.#setup;
    const confirm = options.confirms !== 'none';
    const lanes = new PublishLanes({
      transport,
      open: (timeoutMs) => transport.openPublishChannel({ confirm, timeoutMs }),
      openApart: (timeoutMs) => transport.openPublishChannel({ confirm, timeoutMs, apart: true }),
      options,
      clock,
      logger,
      events,
      explain,
      callbacks: this.#callbacks,
      stats: this.stats,
      isolation: this.#isolation,
      looks: this.#looks,
      separates: confirm,
      ...more,
    });
    if (this.#closing !== undefined) void lanes.close(0);
    return lanes;
  }

  #openRequests(): { readonly requester: Requester; readonly lanes: PublishLanes } {
    const { transport, clock, logger } = this.#setup;
    const open = async (timeoutMs: number): Promise<ReplyChannel> => {
      const channel = await transport.openReplyChannel({ timeoutMs });
      channel.onReply((reply) => requester.onReply(reply));
      return channel;
    };
    const lanes = this.#openLanes(
      { ...this.#setup.options, ...confirmedOneByOne(this.#setup.options) },
      { open, separates: false, onChannelEnd: (error) => requester.onChannelEnd(error) },
    );
    const requester = new Requester({
      submit: (request, confirmed, failed) => lanes.submit(this.#withoutFalseReturns(request), confirmed, failed),
      withdraw: (job, error) => lanes.withdraw(job, error),
      clock,
      logger,
      stats: this.stats,
    });
    return { requester, lanes };
  }
}

/** Requests and replies are confirmed whatever the publisher's own mode is. */
function confirmedOneByOne({ confirms, window }: ResolvedPublisherOptions) {
  return { confirms: 'correlated', window: confirms === 'correlated' ? window : WINDOW } as const;
}

/** A handler waits for its reply, and a stranger says where that goes: a queue that does not take it must not hold up the handler. */
function optionsOfReplies(options: ResolvedPublisherOptions): ResolvedPublisherOptions {
  return {
    ...options,
    ...confirmedOneByOne(options),
    retry: { ...options.retry, connectionOnly: true },
    confirmTimeoutMs: Math.min(options.confirmTimeoutMs, REPLY_CONFIRM_MS),
  };
}

const DIRECT_REPLY_PREFIX = `${DIRECT_REPLY_TO}.`;
