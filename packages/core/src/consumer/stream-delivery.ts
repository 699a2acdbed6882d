import type { Delivery, DeliveryChannel } from '../transport/transport.js';
import type { StreamPosition } from './stream-position.js';

/**
 * Settles a delivery of a stream, where nothing can be rejected or put back: the broker closes the whole connection over
 * `basic.reject` and `basic.nack` (540). It only wants to know that there is room for more, by `basic.ack`.
 *
 * | outcome | on a stream |
 * |---|---|
 * | ack | done with: the position moves on |
 * | reject | skipped: done with, and counted as that |
 * | requeue, give back | not done with: tried again here after a pause, or after the next start |
 */
export class StreamDelivery implements DeliveryChannel {
  readonly delivery: Delivery;
  readonly offset: number;
  readonly #channel: DeliveryChannel;
  readonly #position: StreamPosition;
  #isAcked = false;
  #isWanted = false;

  constructor(delivery: Delivery, offset: number, position: StreamPosition) {
    this.delivery = { ...delivery, channel: this };
    this.offset = offset;
    this.#channel = delivery.channel;
    this.#position = position;
  }

  get isOpen(): boolean {
    return this.#channel.isOpen;
  }

  /** It was put back: it is to be handled again. Asking takes the wish away. */
  takeWish(): boolean {
    const isWanted = this.#isWanted;
    this.#isWanted = false;
    return isWanted;
  }

  /** Even without a channel: it needs nothing of the broker to be done with. */
  ack(): boolean {
    this.#makeRoom();
    this.#position.done(this.offset);
    return true;
  }

  reject(_deliveryTag: number, requeue: boolean): boolean {
    return requeue ? this.giveBack() : this.ack();
  }

  giveBack(): boolean {
    this.#isWanted = true;
    if (!this.isOpen) return false;
    this.#makeRoom();
    return true;
  }

  #makeRoom(): void {
    if (this.#isAcked) return;
    this.#isAcked = true;
    this.#channel.ack(this.delivery.deliveryTag);
  }
}

/** The place of a message in its stream, as the broker says it; `undefined` for one that is of no stream. */
function streamOffset({ message }: Delivery): number | undefined {
  const offset = message.headers['x-stream-offset'];
  return typeof offset === 'number' ? offset : undefined;
}

/** A delivery of a stream, which is settled in its own way; `undefined` for one that is done with already. */
export function takeFromStream(delivery: Delivery, position: StreamPosition): Delivery | undefined {
  const offset = streamOffset(delivery);
  if (offset === undefined) return delivery;
  if (position.took(offset)) return new StreamDelivery(delivery, offset, position).delivery;
  delivery.channel.ack(delivery.deliveryTag);
  return undefined;
}
