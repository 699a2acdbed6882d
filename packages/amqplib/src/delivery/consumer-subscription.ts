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
import { asError, brokerReply, channelClosedError, errorText } from '../errors/broker-reply.js';
import { ConsumerChannel } from './consumer-channel.js';
import { uniqueTag } from './consumer-tag.js';
import { consumeFailureCause, recoverConsumer, STABLE_MS } from './recover-consumer.js';

/** What a subscription needs of the transport. */
export interface SubscriptionHost {
  /** The consuming connection, when it stands. */
  link(): Link | undefined;
  /** Whether this application declares a queue. */
  declares(queue: string): boolean;
  /** Declares a queue, its bindings and their exchanges again. Never rejects: what is refused is reported elsewhere. */
  redeclare(queue: string, link: Link): Promise<void>;
  /** The subscription is over and needs no more news of connections. */
  ended(subscription: ConsumerSubscription): void;
}

type Phase =
  | { readonly name: 'awaiting-connection' }
  /** `kept`: the channel of a consumer that the broker cancelled. */
  | { readonly name: 'opening'; readonly link: Link; readonly kept: ConsumerChannel | undefined }
  | { readonly name: 'consuming'; readonly link: Link; readonly channel: ConsumerChannel; readonly since: number }
  | { readonly name: 'pausing'; readonly cancel: () => void; readonly kept: ConsumerChannel | undefined }
  /** No new deliveries; the ones that came can be settled while the channel lasts. */
  | { readonly name: 'cancelled'; readonly channel: ConsumerChannel | undefined }
  | { readonly name: 'over' };

type Opening = Extract<Phase, { name: 'opening' }>;

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
  #generation = 0;
  /** Times in a row that consuming began and soon stopped. */
  #flaps = 0;
  /** Attempts to begin that failed since consuming stopped. */
  #attempts = 0;
  #everConsumed = false;
  /** The interruption the sink knows of, until consuming begins again. */
  #reported: InterruptionCause | undefined;
  #resolveReady: () => void = () => {};
  #rejectReady: (error: Error) => void = () => {};
  #cancelling: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(request: ConsumeRequest, sink: DeliverySink, host: SubscriptionHost, clock: Clock) {
    this.#request = request;
    this.#sink = sink;
    this.#host = host;
    this.#clock = clock;
    this.#tagPrefix = uniqueTag(request.tagPrefix);
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    // Nobody has to look at it: failures reach the sink as well.
    this.ready.catch(() => {});
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
    const phase: Opening = { name: 'opening', link, kept };
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
      this.#generation += 1;
      try {
        await channel.consume(this.#request, `${this.#tagPrefix}-${this.#generation}`);
      } catch (error) {
        channel.close(CLOSE_TIMEOUT_MS);
        throw error;
      }
      this.#began(phase, channel);
      // Its end came in the same packet as consume-ok, when it was not consuming yet.
      if (!channel.isOpen) this.#channelEnded(channel, channel.error);
    }
    // Cancelled meanwhile: nobody wants the new consumer, but a kept channel may still settle.
    if (!this.#owns(channel)) channel.close(CLOSE_TIMEOUT_MS);
    else if (!this.#isConsuming()) channel.cancel(CANCEL_TIMEOUT_MS);
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
      },
      this.#clock,
    );
  }

  #began(phase: Opening, channel: ConsumerChannel): void {
    if (this.#phase !== phase) return;
    this.#transition({ name: 'consuming', link: phase.link, channel, since: this.#clock.monotonic() });
    this.#everConsumed = true;
    this.#attempts = 0;
    this.#reported = undefined;
    this.#resolveReady();
    this.#sink.consuming(channel.consumerTag);
  }

  #delivered(channel: ConsumerChannel, delivery: Delivery): void {
    // Deliveries can arrive in the same read as consume-ok, before the promise of consume() has been heard.
    if (this.#phase.name === 'opening') this.#began(this.#phase, channel);
    this.#sink.deliver(delivery);
  }

  #cancelled(channel: ConsumerChannel): void {
    const phase = this.#phase;
    if (phase.name === 'opening') this.#began(phase, channel);
    if (this.#phase.name === 'consuming' && this.#phase.channel === channel)
      this.#stopped('cancelled', undefined, channel);
  }

  #channelEnded(channel: ConsumerChannel, error: Error | undefined): void {
    const phase = this.#phase;
    if (phase.name !== 'consuming' || phase.channel !== channel) return;
    if (error !== undefined) {
      this.#stopped('channel-closed', channelClosedError(error), undefined);
      return;
    }
    // Channels end before their connection does: a turn later it is known why.
    queueMicrotask(() => {
      if (this.#phase !== phase) return;
      if (phase.link.ended) this.#stopped('connection-lost', phase.link.error, undefined);
      else this.#stopped('channel-closed', undefined, undefined);
    });
  }

  #stopped(cause: InterruptionCause, error: Error | undefined, kept: ConsumerChannel | undefined): void {
    const failuresBefore = this.#countFailure();
    const recovery = recoverConsumer({
      cause,
      failuresBefore,
      everConsumed: this.#everConsumed,
      missingQueue: this.#request.missingQueue,
      declared: this.#host.declares(this.#request.queue),
    });
    if (recovery.next === 'fail') {
      this.#fail(this.#failureOf(cause, error));
      return;
    }
    if (recovery.next === 'await-connection') this.#transition({ name: 'awaiting-connection' });
    else this.#consumeAgain(recovery.inMs, recovery.redeclare, kept);
    this.#report(cause, error);
    this.#useConnection();
  }

  #countFailure(): number {
    if (this.#phase.name !== 'consuming') return this.#attempts++;
    if (this.#clock.monotonic() - this.#phase.since >= STABLE_MS) this.#flaps = 0;
    return this.#flaps++;
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

  #report(cause: InterruptionCause, error: Error | undefined): void {
    if (this.#reported === cause) return;
    this.#reported = cause;
    this.#sink.interrupted(cause, error);
  }

  #causeOf(error: unknown, link: Link): InterruptionCause {
    if (!link.ended) return consumeFailureCause(error);
    // The broker closes the whole connection for some requests, such as a global prefetch on a quorum queue.
    const code = brokerReply(link.error)?.code;
    return !this.#everConsumed && (code === 530 || code === 540) ? 'refused' : 'connection-lost';
  }

  #failureOf(cause: InterruptionCause, error: Error | undefined): Error {
    const queue = JSON.stringify(this.#request.queue);
    if (cause === 'queue-missing') {
      return new LeveretError(
        'LEV_QUEUE_MISSING',
        `Queue ${queue} does not exist and this application does not declare it. Declare it, create it first, or wait for it with missingQueue: 'wait'.`,
        { cause: error },
      );
    }
    const text = brokerReply(error)?.text ?? errorText(error);
    return new LeveretError('LEV_CHANNEL_CLOSED', `The broker refused a consumer on queue ${queue}: ${text}`, {
      cause: error,
    });
  }

  #fail(error: Error): void {
    if (this.#phase.name === 'pausing') this.#phase.cancel();
    this.#transition({ name: 'over' });
    this.#host.ended(this);
    this.#rejectReady(error);
    this.#sink.failed(error);
  }

  #isConsuming(): boolean {
    return this.#phase.name === 'consuming';
  }

  #owns(channel: ConsumerChannel): boolean {
    return (this.#phase.name === 'consuming' || this.#phase.name === 'cancelled') && this.#phase.channel === channel;
  }

  async #cancel(): Promise<void> {
    const phase = this.#phase;
    if (phase.name === 'over') return;
    if (phase.name === 'pausing') phase.cancel();
    const consuming = phase.name === 'consuming' ? phase.channel : undefined;
    const kept = phase.name === 'pausing' || phase.name === 'opening' ? phase.kept : undefined;
    this.#transition({ name: 'cancelled', channel: consuming ?? kept });
    this.#host.ended(this);
    this.#rejectReady(
      new LeveretError(
        'LEV_INVALID_STATE',
        `The consumer of queue ${JSON.stringify(this.#request.queue)} was cancelled.`,
      ),
    );
    await consuming?.cancel(CANCEL_TIMEOUT_MS);
  }

  async #close(): Promise<void> {
    await this.cancel();
    const channel = this.#phase.name === 'cancelled' ? this.#phase.channel : undefined;
    await channel?.close(CLOSE_TIMEOUT_MS);
    this.#transition({ name: 'over' });
  }
}
