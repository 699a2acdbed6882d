import {
  type Clock,
  type ConsumeRequest,
  type Delivery,
  type DeliverySink,
  type InterruptionCause,
  LeveretError,
  type Subscription,
} from '@leveret/core';
import type { Link } from '../connection/link.js';
import { asError, brokerReply, channelClosedError } from '../errors/broker-reply.js';
import {
  channelEndCause,
  consumeFailure,
  consumeFailureCause,
  decideConsumeAgain,
  FailuresInARow,
} from './consume-again.js';
import { ConsumerChannel } from './consumer-channel.js';
import { uniqueTag } from './consumer-tag.js';
import type { ConsumerAtEnd } from './decide-suspects.js';
import type { Held, Looking, Opening, Phase } from './subscription-phase.js';

/** What a subscription needs of the transport. */
export interface SubscriptionHost {
  /** The consuming connection, when it stands. */
  link(): Link | undefined;
  /** Whether this application declares a queue. */
  declares(queue: string): boolean;
  /** Declares a queue, its bindings and their exchanges again. Never rejects: what is refused is reported elsewhere. */
  redeclare(queue: string, link: Link): Promise<void>;
  /** Whether a queue is there; `undefined` when nobody knows. Never rejects. */
  exists(queue: string, link: Link): Promise<boolean | undefined>;
  /** The subscription is over and needs no more news of connections. */
  ended(subscription: ConsumerSubscription): void;
}

const OPEN_TIMEOUT_MS = 30_000;
const CANCEL_TIMEOUT_MS = 5000;
const CLOSE_TIMEOUT_MS = 5000;

/**
 * A consumer that stays alive. It comes back after: the connection was lost (as soon as it stands again), the broker
 * closed the channel (at once; with a growing pause when it repeats), the broker cancelled the consumer because its queue
 * was deleted or moved (declares the queue again when the application owns it, else waits for it), and another consumer
 * had the queue for itself (looks again).
 */
export class ConsumerSubscription implements Subscription {
  readonly ready: Promise<void>;
  readonly #request: ConsumeRequest;
  readonly #sink: DeliverySink;
  readonly #host: SubscriptionHost;
  readonly #clock: Clock;
  readonly #tagPrefix: string;
  #phase: Phase = { name: 'awaiting-connection' };
  #prefetch: number;
  #isHeld = false;
  #generation = 0;
  /** The channel that it consumes on, or asks to. */
  #channel: ConsumerChannel | undefined;
  readonly #failures: FailuresInARow;
  #everConsumed = false;
  /** Since when the broker has not answered that it wants to consume. */
  #askingSince: number | undefined;
  /** The interruption the sink knows of, until consuming begins again. */
  #reported: InterruptionCause | undefined;
  #resolveReady: () => void = () => {};
  #rejectReady: (error: Error) => void = () => {};
  #cancelling: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(request: ConsumeRequest, sink: DeliverySink, host: SubscriptionHost, clock: Clock) {
    this.#request = request;
    this.#prefetch = request.prefetch;
    this.#sink = sink;
    this.#host = host;
    this.#clock = clock;
    this.#failures = new FailuresInARow(clock);
    this.#tagPrefix = uniqueTag(request.tagPrefix);
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    // Nobody has to look at it: failures reach the sink as well.
    this.ready.catch(() => {});
  }

  get queue(): string {
    return this.#request.queue;
  }

  /** How long the broker has not answered that it wants to consume, in however many attempts. */
  get unansweredForMs(): number | undefined {
    return this.#askingSince === undefined ? undefined : this.#clock.monotonic() - this.#askingSince;
  }

  uses(link: Link): boolean {
    return 'link' in this.#phase && this.#phase.link === link;
  }

  /** What it is about, should its connection have ended over it. */
  atEnd(): ConsumerAtEnd {
    const { queue } = this.#request;
    return { queue, channel: this.#channel?.number, isAsking: this.#channel?.isAsking === true };
  }

  /** The consuming connection stands, first or again. */
  connected(link: Link): void {
    if (this.#phase.name === 'awaiting-connection') this.#open(link, false, undefined);
  }

  /** The consuming connection will not come back. */
  connectionFailed(error: Error): void {
    if (this.#phase.name === 'cancelled' || this.#phase.name === 'over') return;
    this.#fail(error);
  }

  pause(): void {
    this.#isHeld = true;
    const phase = this.#phase;
    if (phase.name !== 'consuming') return;
    const { link, channel: kept } = phase;
    this.#transition({ name: 'held', link, kept, cancelled: kept.cancel(CANCEL_TIMEOUT_MS) });
  }

  resume(prefetch: number): void {
    this.#isHeld = false;
    this.#prefetch = prefetch;
    const phase = this.#phase;
    if (phase.name !== 'held') return;
    // The broker may deliver to the old consumer until cancel-ok.
    phase.cancelled.then(() => {
      if (this.#phase.name === 'held' && !this.#isHeld) this.#consumeAgain(0, false, this.#phase.kept);
    });
  }

  cancel(): Promise<void> {
    this.#cancelling ??= this.#cancel();
    return this.#cancelling;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #transition(phase: Phase): void {
    this.#phase = phase;
  }

  #open(link: Link, redeclare: boolean, kept: ConsumerChannel | undefined): void {
    if (this.#isHeld) {
      this.#askingSince = undefined;
      this.#transition({ name: 'held', link, kept, cancelled: Promise.resolve() });
      return;
    }
    const phase: Opening = { name: 'opening', link, kept };
    this.#askingSince ??= this.#clock.monotonic();
    this.#transition(phase);
    this.#consume(phase, redeclare).catch((error: unknown) => {
      if (this.#phase === phase) this.#stopped(this.#causeOf(error, link), asError(error), undefined);
    });
  }

  async #consume(phase: Opening, redeclare: boolean): Promise<void> {
    if (redeclare) await this.#host.redeclare(this.#request.queue, phase.link);
    if (this.#phase !== phase) return;
    const channel = phase.kept?.isOpen === true ? phase.kept : await this.#openChannel(phase.link);
    if (this.#phase === phase) {
      this.#channel = channel;
      this.#generation += 1;
      const prefetch = this.#prefetch;
      try {
        await channel.consume(this.#request, prefetch, `${this.#tagPrefix}-${this.#generation}`);
      } catch (error) {
        channel.close(CLOSE_TIMEOUT_MS);
        throw error;
      }
      this.#began(phase, channel);
      // Its end came in the same packet as consume-ok, when it was not consuming yet.
      if (!channel.isOpen) this.#channelEnded(channel, channel.error);
      // Paused and resumed while the broker was asked: it has the consumer as it was to be before.
      else if (prefetch !== this.#prefetch) this.#beginAnew();
    }
    // Cancelled meanwhile: nobody wants the new consumer, but a kept channel may still settle.
    if (!this.#owns(channel)) channel.close(CLOSE_TIMEOUT_MS);
    else if (this.#isCancelled()) channel.cancel(CANCEL_TIMEOUT_MS);
  }

  #beginAnew(): void {
    if (this.#phase.name !== 'consuming') return;
    this.pause();
    this.resume(this.#prefetch);
  }

  async #openChannel(link: Link): Promise<ConsumerChannel> {
    const channel = await link.openChannel(OPEN_TIMEOUT_MS);
    return new ConsumerChannel(
      channel,
      this.#request.queue,
      {
        delivered: (from, delivery) => this.#delivered(from, delivery),
        cancelled: (from) => this.#cancelled(from),
        ended: (from, error) => this.#channelEnded(from, error),
        flush: () => link.flush(),
      },
      this.#clock,
    );
  }

  #began(phase: Opening, channel: ConsumerChannel): void {
    if (this.#phase !== phase) return;
    this.#transition({ name: 'consuming', link: phase.link, channel, since: this.#clock.monotonic() });
    this.#everConsumed = true;
    this.#askingSince = undefined;
    this.#failures.began();
    this.#reported = undefined;
    this.#resolveReady();
    this.#sink.consuming(channel.consumerTag);
    if (this.#isHeld) this.pause();
  }

  #delivered(channel: ConsumerChannel, delivery: Delivery): void {
    // Deliveries can arrive in the same read as consume-ok, before the promise of consume() has been heard.
    if (this.#phase.name === 'opening') this.#began(this.#phase, channel);
    this.#sink.deliver(delivery);
  }

  #cancelled(channel: ConsumerChannel): void {
    if (this.#phase.name === 'opening') this.#began(this.#phase, channel);
    const phase = this.#phase;
    if (phase.name !== 'consuming' || phase.channel !== channel) return;
    if (channel.owes) this.#look({ ...phase, name: 'looking' });
    else this.#stopped('cancelled', undefined, channel);
  }

  async #look(phase: Looking): Promise<void> {
    this.#transition(phase);
    const exists = await this.#host.exists(this.#request.queue, phase.link);
    if (this.#phase !== phase) return;
    if (exists !== true) return this.#stopped('cancelled', undefined, phase.channel);
    // On the old channel it would be closed at the next of its deliveries that is late, by RabbitMQ 4.4 at least.
    this.#stopped('delivery-timeout', undefined, undefined);
    phase.channel.close(CLOSE_TIMEOUT_MS);
  }

  #channelEnded(channel: ConsumerChannel, error: Error | undefined): void {
    const phase = this.#phase;
    if (phase.name === 'held' && phase.kept === channel) this.#heldEnded(phase, error);
    if ((phase.name !== 'consuming' && phase.name !== 'looking') || phase.channel !== channel) return;
    if (error !== undefined) {
      const { cause, timeoutMs } = channelEndCause(error);
      this.#stopped(cause, channelClosedError(error), undefined, timeoutMs);
      return;
    }
    // Channels end before their connection does: a turn later it is known why.
    queueMicrotask(() => {
      if (this.#phase !== phase) return;
      if (phase.link.ended) this.#stopped('connection-lost', phase.link.error, undefined);
      else this.#stopped('channel-closed', undefined, undefined);
    });
  }

  /** What it brought will come again, but it is not to take anything yet. */
  #heldEnded(phase: Held, error: Error | undefined): void {
    this.#transition({ ...phase, kept: undefined });
    this.#reported = undefined;
    const { cause, timeoutMs } = error === undefined ? { cause: 'connection-lost' as const } : channelEndCause(error);
    this.#report(cause, error === undefined ? undefined : channelClosedError(error), timeoutMs);
  }

  #stopped(
    cause: InterruptionCause,
    error: Error | undefined,
    kept: ConsumerChannel | undefined,
    timeoutMs?: number,
  ): void {
    // Without an answer, it goes on asking.
    if (cause === 'connection-lost' || brokerReply(error) !== undefined) this.#askingSince = undefined;
    const since = 'since' in this.#phase ? this.#phase.since : undefined;
    const decision = decideConsumeAgain({
      cause,
      // The connection is no fault of this consumer, and has pauses of its own.
      failuresBefore: cause === 'connection-lost' ? 0 : this.#failures.count(since),
      everConsumed: this.#everConsumed,
      missingQueue: this.#request.missingQueue,
      declared: this.#host.declares(this.#request.queue),
    });
    if (decision.next === 'fail') {
      this.#fail(consumeFailure(this.#request.queue, cause, error));
      return;
    }
    if (decision.next === 'await-connection') this.#transition({ name: 'awaiting-connection' });
    else this.#consumeAgain(decision.inMs, decision.redeclare, kept);
    this.#report(cause, error, timeoutMs);
    this.#useConnection();
  }

  #consumeAgain(inMs: number, redeclare: boolean, kept: ConsumerChannel | undefined): void {
    const again = () => {
      const link = this.#host.link();
      if (link !== undefined) this.#open(link, redeclare, kept);
      else this.#transition({ name: 'awaiting-connection' });
    };
    // Never in the same turn, so that the sink hears of the end before the new beginning.
    this.#transition({ name: 'pausing', cancel: this.#clock.after(inMs, again, true), kept });
  }

  /** The next connection may stand already when the end of the last is heard. */
  #useConnection(): void {
    const link = this.#host.link();
    if (link !== undefined) this.connected(link);
  }

  #report(cause: InterruptionCause, error: Error | undefined, timeoutMs?: number): void {
    if (this.#reported === cause) return;
    this.#reported = cause;
    this.#sink.interrupted(cause, error, timeoutMs);
  }

  #causeOf(error: unknown, link: Link): InterruptionCause {
    if (!link.ended) return consumeFailureCause(error);
    // The broker closes the whole connection for some requests, such as a global prefetch on a quorum queue.
    const code = brokerReply(link.error)?.code;
    return !this.#everConsumed && (code === 530 || code === 540) ? 'refused' : 'connection-lost';
  }

  #fail(error: Error): void {
    if (this.#phase.name === 'pausing') this.#phase.cancel();
    this.#transition({ name: 'over' });
    this.#host.ended(this);
    this.#rejectReady(error);
    this.#sink.failed(error);
  }

  #isCancelled(): boolean {
    return this.#phase.name === 'cancelled';
  }

  #owns(channel: ConsumerChannel): boolean {
    const phase = this.#phase;
    return ('channel' in phase && phase.channel === channel) || ('kept' in phase && phase.kept === channel);
  }

  async #cancel(): Promise<void> {
    const phase = this.#phase;
    if (phase.name === 'over') return;
    if (phase.name === 'pausing') phase.cancel();
    const consuming = phase.name === 'consuming' || phase.name === 'looking' ? phase.channel : undefined;
    const kept = 'kept' in phase ? phase.kept : undefined;
    this.#transition({ name: 'cancelled', channel: consuming ?? kept });
    this.#host.ended(this);
    this.#rejectReady(
      new LeveretError(
        'LEV_INVALID_STATE',
        `The consumer of queue ${JSON.stringify(this.#request.queue)} was cancelled.`,
      ),
    );
    if (phase.name === 'consuming' && this.#request.handsOverAtClose !== true) {
      await phase.channel.cancel(CANCEL_TIMEOUT_MS);
    }
  }

  async #close(): Promise<void> {
    await this.cancel();
    const channel = this.#phase.name === 'cancelled' ? this.#phase.channel : undefined;
    await channel?.close(CLOSE_TIMEOUT_MS);
    this.#transition({ name: 'over' });
  }
}
