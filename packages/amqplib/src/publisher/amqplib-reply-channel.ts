import { type Clock, LeveretError, type Message, type ReplyChannel, within } from '@leveret/core';
import type { ConfirmChannel } from 'amqplib';
import type { Link } from '../connection/link.js';
import { readMessage } from '../delivery/read-delivery.js';
import { AmqplibPublishChannel } from './amqplib-publish-channel.js';

const REPLY_QUEUE = 'amq.rabbitmq.reply-to';

/**
 * A channel for requests: replies to messages published on it with `replyTo: 'amq.rabbitmq.reply-to'` come back on it.
 * @see https://www.rabbitmq.com/docs/direct-reply-to
 */
export class AmqplibReplyChannel extends AmqplibPublishChannel implements ReplyChannel {
  #listener: ((message: Message) => void) | undefined;

  /** @throws {Error} when the broker does not grant the consumer within `timeoutMs` */
  static async open(
    channel: ConfirmChannel,
    link: Link,
    clock: Clock,
    timeoutMs: number,
  ): Promise<AmqplibReplyChannel> {
    const reply = new AmqplibReplyChannel(channel, true, link, clock);
    const consuming = channel.consume(
      REPLY_QUEUE,
      (message) => {
        if (message === null) reply.close();
        else reply.#listener?.(readMessage(message));
      },
      { noAck: true },
    );
    try {
      await within(clock, timeoutMs, consuming, () => {
        throw new LeveretError(
          'LEV_CONNECTION_FAILED',
          `${link.host} did not grant a reply consumer within ${timeoutMs} ms.`,
        );
      });
    } catch (error) {
      reply.close();
      throw error;
    }
    return reply;
  }

  onReply(listener: (message: Message) => void): void {
    this.#listener = listener;
  }
}
