import type { Message } from '../message/message.js';
import { aMessage } from '../message/message.support.test.js';
import type { Delivery, DeliveryChannel } from './transport.js';

/** A channel that writes down the frames it would send. */
export class RecordingChannel implements DeliveryChannel {
  readonly frames: string[] = [];
  isOpen = true;

  ack(deliveryTag: number): boolean {
    return this.#send(`basic.ack ${deliveryTag}`);
  }

  reject(deliveryTag: number, requeue: boolean): boolean {
    return this.#send(`basic.reject ${deliveryTag}${requeue ? ' requeue' : ''}`);
  }

  giveBack(deliveryTag: number): boolean {
    return this.#send(`basic.nack ${deliveryTag} requeue`);
  }

  /** The broker or the network ends it. */
  close(): void {
    this.isOpen = false;
  }

  #send(frame: string): boolean {
    if (this.isOpen) this.frames.push(frame);
    return this.isOpen;
  }
}

/** A delivery of a message to the queue `orders`. */
export function aDelivery(
  parts: Partial<Delivery> & { readonly of?: Partial<Message> & { text?: string } } = {},
): Delivery {
  const { of, ...rest } = parts;
  return {
    message: aMessage(of),
    queue: 'orders',
    deliveryTag: 1,
    consumerTag: 'test-1',
    channel: new RecordingChannel(),
    receivedAt: 1_700_000_000_000,
    ...rest,
  };
}
