import { type Logger, logSafely } from '../events/logger.js';
import { inContext } from '../events/own-context.js';
import type { Message, Publication } from '../message/message.js';
import type { ReturnInfo } from '../transport/transport.js';

/** A message that the broker returned because no queue is bound for it. */
export interface ReturnedMessage {
  readonly exchange: string;
  readonly routingKey: string;
  /** 312 for NO_ROUTE. */
  readonly replyCode: number;
  readonly replyText: string;
  /** As it came back. */
  readonly message: Message;
  /** As it was sent; `undefined` with `confirms: 'none'`, where its publish is over before it comes back. */
  readonly publication: Publication | undefined;
}

/** An answer of the broker to one publish. */
export interface PublishAnswer {
  /** `true` for `basic.ack`, also of a returned message; `false` for `basic.nack` and for the message that ended its channel. */
  readonly ack: boolean;
  /** Why the channel was closed because of it; `undefined` for acks and `basic.nack`, which give no reason. */
  readonly reason: string | undefined;
  readonly messageId: string | undefined;
  readonly publication: Publication;
}

/** Called for each returned message, before the {@link ConfirmCallback} of the same message. */
export type ReturnCallback = (returned: ReturnedMessage) => unknown;

/** Called for each ack and nack, before the promise of the publish settles. */
export type ConfirmCallback = (answer: PublishAnswer) => unknown;

/**
 * The callbacks of a publisher, each in the async context in which it was registered. What they throw or reject with is
 * logged and goes no further.
 */
export class PublishCallbacks {
  readonly #logger: Logger;
  readonly #onReturn = new Set<ReturnCallback>();
  readonly #onConfirm = new Set<ConfirmCallback>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  onReturn(callback: ReturnCallback): () => void {
    const bound = inContext(callback);
    this.#onReturn.add(bound);
    return () => this.#onReturn.delete(bound);
  }

  onConfirm(callback: ConfirmCallback): () => void {
    const bound = inContext(callback);
    this.#onConfirm.add(bound);
    return () => this.#onConfirm.delete(bound);
  }

  returned(publication: Publication | undefined, info: ReturnInfo): void {
    if (this.#onReturn.size === 0) return;
    const { exchange, routingKey } = info.message;
    const returned = { exchange, routingKey, ...info, publication };
    for (const callback of this.#onReturn) this.#call('onReturn', callback, returned);
  }

  answered(publication: Publication, ack: boolean, reason?: string): void {
    if (this.#onConfirm.size === 0) return;
    const answer = { ack, reason, messageId: publication.properties.messageId, publication };
    for (const callback of this.#onConfirm) this.#call('onConfirm', callback, answer);
  }

  #call<T>(name: string, callback: (value: T) => unknown, value: T): void {
    const report = (err: unknown) =>
      logSafely(this.#logger, 'error', { err }, `the ${name} callback of the publisher failed`);
    try {
      const result = callback(value);
      if (result instanceof Promise) result.catch(report);
    } catch (error) {
      report(error);
    }
  }
}
