import {
  type Clock,
  type ConsumeRequest,
  type Delivery,
  type DeliveryChannel,
  LeveretError,
  type Message,
  within,
} from '@leveret/core';
import type { Channel, ConsumeMessage } from 'amqplib';
import { DeliveryReader } from '../wire/delivery-reader.js';
import { ChannelSettler } from './channel-settler.js';
import { readMessage } from './read-delivery.js';

/** What a consumer channel tells its subscription. */
export interface ConsumerChannelEvents {
  /** A message has arrived; `consume-ok` came before, at the latest with this call. */
  delivered(channel: ConsumerChannel, delivery: Delivery): void;
  /** The broker cancelled the consumer; the channel itself goes on. */
  cancelled(channel: ConsumerChannel): void;
  /** The channel is gone: closed by the broker with an error, or together with its connection. */
  ended(channel: ConsumerChannel, error: Error | undefined): void;
  /** What was written on its connection is to leave at once. */
  flush(): void;
}

const ANSWER_TIMEOUT_MS = 30_000;

/**
 * A channel with a consumer on it; when the broker cancels that, another can follow on the same channel, so that what the
 * first one brought can still be settled. Deliveries keep a reference to it, and can be settled on no other: tags of another
 * channel mean other messages.
 */
export class ConsumerChannel implements DeliveryChannel {
  readonly #channel: Channel;
  readonly #queue: string;
  #tag = '';
  #noAck = false;
  /** `basic.consume` was sent and not answered. */
  #isAsking = false;
  readonly #events: ConsumerChannelEvents;
  readonly #clock: Clock;
  readonly #closed: Promise<void>;
  readonly #settler: ChannelSettler;
  #open = true;
  /** Delivered to be settled, in all. */
  #owed = 0;
  #error: Error | undefined;

  constructor(channel: Channel, queue: string, events: ConsumerChannelEvents, clock: Clock) {
    this.#channel = channel;
    this.#queue = queue;
    this.#events = events;
    this.#clock = clock;
    this.#settler = new ChannelSettler(channel, () => events.flush());
    this.#closed = new Promise((resolve) => channel.once('close', resolve));
    DeliveryReader.receive(channel, (tag, deliveryTag, message) => this.#delivered(tag, deliveryTag, message));
    channel.on('error', (error) => {
      this.#open = false;
      this.#error = error;
    });
    channel.once('close', () => {
      this.#open = false;
      this.#settler.end();
      events.ended(this, this.#error);
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Why the broker closed it, when it did. */
  get error(): Error | undefined {
    return this.#error;
  }

  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** The number that its frames carry. */
  get number(): number | undefined {
    const { ch } = this.#channel as unknown as { readonly ch?: unknown };
    return typeof ch === 'number' ? ch : undefined;
  }

  /** Whether it has brought what is not settled yet. */
  get owes(): boolean {
    return this.#owed > this.#settler.settled;
  }

  get consumerTag(): string {
    return this.#tag;
  }

  /**
   * Sets the prefetch and starts consuming.
   * @throws {Error} what the broker answered, or that it did not
   */
  async consume(request: ConsumeRequest, prefetch: number, tag: string): Promise<void> {
    this.#tag = tag;
    this.#noAck = request.noAck;
    if (prefetch > 0) await this.#answer(this.#channel.prefetch(prefetch));
    this.#settler.messagesPerAck = request.messagesPerAck ?? 1;
    const { noAck, exclusive, priority } = request;
    const consuming = this.#channel.consume(this.#queue, (message) => this.#received(message, tag), {
      consumerTag: tag,
      noAck,
      exclusive,
      ...(priority === undefined ? {} : { priority }),
      arguments: consumerArguments(request),
    });
    this.#isAsking = true;
    try {
      await this.#answer(consuming);
    } finally {
      this.#isAsking = false;
    }
  }

  ack(deliveryTag: number): boolean {
    return this.#settle(this.#open && this.#settler.ack(deliveryTag));
  }

  reject(deliveryTag: number, requeue: boolean): boolean {
    return this.#settle(this.#open && this.#settler.reject(deliveryTag, requeue));
  }

  giveBack(deliveryTag: number): boolean {
    return this.#settle(this.#open && this.#settler.giveBack(deliveryTag));
  }

  /** `basic.nack` of everything that is not settled, with requeue. Nothing may be settled on this channel behind it. */
  giveBackAll(): boolean {
    return this.#settle(this.#open && this.#settler.giveBackAll());
  }

  /** Sends `basic.cancel`; resolves at `cancel-ok`, when the channel is gone, or after `timeoutMs`. Never rejects. */
  async cancel(timeoutMs: number): Promise<void> {
    if (!this.#open) return;
    this.#settler.sendAcks();
    const cancelled = this.#channel.cancel(this.#tag).then(
      () => undefined,
      () => undefined,
    );
    await within(this.#clock, timeoutMs, Promise.race([cancelled, this.#closed]), () => undefined);
  }

  /** Closes the channel after what was settled on it; waits for that at most `timeoutMs`. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    if (!this.#open) return;
    this.#settler.sendAcks();
    this.#open = false;
    // amqplib's own promise never settles when the connection ends meanwhile; the event always comes.
    this.#channel.close().catch(() => {});
    await within(this.#clock, timeoutMs, this.#closed, () => undefined);
  }

  #received(message: ConsumeMessage | null, tag: string): void {
    if (message === null) {
      if (tag === this.#tag) this.#events.cancelled(this);
      return;
    }
    this.#delivered(tag, message.fields.deliveryTag, readMessage(message));
  }

  #delivered(consumerTag: string, deliveryTag: number, message: Message): void {
    if (!this.#noAck) this.#owed++;
    this.#events.delivered(this, {
      message,
      queue: this.#queue,
      deliveryTag,
      consumerTag,
      channel: this,
      receivedAt: this.#clock.now(),
    });
  }

  #settle(isSent: boolean): boolean {
    if (!isSent) this.#open = false;
    return isSent;
  }

  #answer<T>(answer: Promise<T>): Promise<T> {
    return within(this.#clock, ANSWER_TIMEOUT_MS, answer, () => {
      throw new LeveretError('LEV_CHANNEL_CLOSED', `The broker did not answer within ${ANSWER_TIMEOUT_MS} ms.`);
    });
  }
}

function consumerArguments({ arguments: args, startAt }: ConsumeRequest): Readonly<Record<string, unknown>> {
  const start = startAt?.();
  if (start === undefined) return args;
  const value = 'offset' in start ? { '!': 'long', value: start.offset } : { '!': 'timestamp', value: start.timestamp };
  return { ...args, 'x-stream-offset': value };
}
