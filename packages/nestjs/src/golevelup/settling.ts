import { AcknowledgeMessage, type Publisher, RejectMessage, RequeueMessage } from 'leveret';
import { isOutcome } from '../execution/outcomes.js';
import type { ConsumeMessage } from './amqp-message.js';
import type { ErrorChannel, MessageErrorHandler } from './error-behaviors.js';
import { publishOptions } from './publish-options.js';
import type { AmqpPublishOptions } from './rabbit-types.js';

/**
 * Calls an error handler, and answers what is to be thrown for it: what it did on its channel, or the error itself when it did
 * nothing there, which leveret then decides about.
 */
export async function settledBy(
  handler: MessageErrorHandler,
  message: ConsumeMessage,
  error: unknown,
  publisher: Publisher,
): Promise<unknown> {
  if (isOutcome(error)) return error;
  const channel = new RememberingChannel(publisher, message, error);
  await handler(channel.guarded, message, error);
  await channel.published();
  return channel.outcome ?? error;
}

class RememberingChannel implements ErrorChannel {
  outcome: Error | undefined;
  readonly #publisher: Publisher;
  readonly #message: ConsumeMessage;
  readonly #cause: unknown;
  readonly #publishes: Promise<unknown>[] = [];

  constructor(publisher: Publisher, message: ConsumeMessage, cause: unknown) {
    this.#publisher = publisher;
    this.#message = message;
    this.#cause = cause;
  }

  /** So that a method which it has not says what can be done. */
  get guarded(): ErrorChannel {
    return new Proxy<ErrorChannel>(this, {
      get: (_target, name) => {
        const method: unknown = Reflect.get(this, name);
        if (typeof method === 'function') return method.bind(this);
        if (typeof name === 'symbol') return undefined;
        throw new Error(
          `the channel of an error handler has ack, nack, reject, publish and sendToQueue, but no ${name}: settle the message, and do the rest with an injected service`,
        );
      },
    });
  }

  ack(message: ConsumeMessage): void {
    this.#settle(message, () => new AcknowledgeMessage('Acknowledged by an error handler.', { cause: this.#cause }));
  }

  nack(message: ConsumeMessage, _allUpTo = false, requeue = true): void {
    this.#settle(message, () =>
      requeue
        ? new RequeueMessage('Requeued by an error handler.', { cause: this.#cause })
        : new RejectMessage('Rejected by an error handler.', { cause: this.#cause }),
    );
  }

  reject(message: ConsumeMessage, requeue = true): void {
    this.nack(message, false, requeue);
  }

  publish(exchange: string, routingKey: string, content: Buffer, options: AmqpPublishOptions = {}): boolean {
    this.#publishes.push(this.#publisher.publish(exchange, routingKey, content, publishOptions(options)));
    return true;
  }

  sendToQueue(queue: string, content: Buffer, options: AmqpPublishOptions = {}): boolean {
    return this.publish('', queue, content, options);
  }

  /** Rejects when one of them was not confirmed: the message must not be settled then. */
  async published(): Promise<void> {
    const results = await Promise.allSettled(this.#publishes);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  #settle(message: ConsumeMessage, outcome: () => Error): void {
    if (message.fields.deliveryTag !== this.#message.fields.deliveryTag) {
      throw new Error('an error handler settles the message that it is called with, and no other');
    }
    this.outcome ??= outcome();
  }
}
