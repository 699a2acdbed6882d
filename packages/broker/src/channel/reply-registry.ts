import { randomBytes } from 'node:crypto';
import type { Message } from '../queue/message.js';

/** The pseudo-queue of direct reply-to. */
export const REPLY_QUEUE = 'amq.rabbitmq.reply-to';

const ADDRESS = /^amq\.rabbitmq\.reply-to\.[\w-]{32}\.[\w-]{22}$/;

/** A channel that consumes direct replies. */
export interface ReplyReceiver {
  receiveReply(message: Message): void;
}

/**
 * Knows where a direct reply goes: the opaque part of the reply-to address names a channel while it lives.
 *
 * @see https://www.rabbitmq.com/docs/direct-reply-to
 */
export class ReplyRegistry {
  readonly #receivers = new Map<string, ReplyReceiver>();

  /** Gives a receiver its address. */
  register(receiver: ReplyReceiver): string {
    const address = `${REPLY_QUEUE}.${randomBytes(24).toString('base64url')}.${randomBytes(16).toString('base64url')}`;
    this.#receivers.set(address, receiver);
    return address;
  }

  unregister(address: string): void {
    this.#receivers.delete(address);
  }

  /** Whether the text could be an address, whoever it belonged to. */
  isAddress(text: string): boolean {
    return ADDRESS.test(text);
  }

  find(address: string): ReplyReceiver | undefined {
    return this.#receivers.get(address);
  }
}
