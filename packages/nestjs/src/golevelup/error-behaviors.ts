import type { ConsumeMessage } from './amqp-message.js';

/**
 * What an error handler is given as its channel: what it does there is remembered, and done once it has returned, on the channel
 * that delivered the message.
 */
export interface ErrorChannel {
  ack(message: ConsumeMessage, allUpTo?: boolean): void;
  nack(message: ConsumeMessage, allUpTo?: boolean, requeue?: boolean): void;
  reject(message: ConsumeMessage, requeue?: boolean): void;
  /** Waited for before the message is settled: one that is not confirmed fails the attempt. */
  publish(exchange: string, routingKey: string, content: Buffer, options?: object): boolean;
  sendToQueue(queue: string, content: Buffer, options?: object): boolean;
}

export type MessageErrorHandler = (channel: ErrorChannel, msg: ConsumeMessage, error: unknown) => unknown;
/** Never called. */
export type AssertQueueErrorHandler = (channel: never, queueName: string, queueOptions: never, error: never) => unknown;

/** What becomes of a message whose handler threw. */
export const MessageHandlerErrorBehavior = { ACK: 'ACK', NACK: 'NACK', REQUEUE: 'REQUEUE' } as const;
export type MessageHandlerErrorBehavior =
  (typeof MessageHandlerErrorBehavior)[keyof typeof MessageHandlerErrorBehavior];

/** Acknowledges the message. */
export const ackErrorHandler: MessageErrorHandler = (channel, msg) => channel.ack(msg);
/** Puts the message back into its queue, at once. */
export const requeueErrorHandler: MessageErrorHandler = (channel, msg) => channel.nack(msg, false, true);
/** Rejects the message, to the dead letter exchange if the queue has one. */
export const defaultNackErrorHandler: MessageErrorHandler = (channel, msg) => channel.nack(msg, false, false);

export function getHandlerForLegacyBehavior(behavior: MessageHandlerErrorBehavior): MessageErrorHandler {
  switch (behavior) {
    case 'ACK':
      return ackErrorHandler;
    case 'REQUEUE':
      return requeueErrorHandler;
    default:
      return defaultNackErrorHandler;
  }
}

/** A queue that exists with other properties is reported at the start, and used as it is. */
export const defaultAssertQueueErrorHandler: AssertQueueErrorHandler = (_channel, _queueName, _queueOptions, error) => {
  throw error;
};

/** Refused wherever it is given: it deletes a queue with all its messages. */
export const forceDeleteAssertQueueErrorHandler: AssertQueueErrorHandler = () => {
  throw new Error('leveret deletes no queue: its messages would be lost');
};

/** Answered by a handler: the message is rejected, or goes back into its queue. */
export class Nack {
  readonly requeue: boolean;

  constructor(requeue = false) {
    this.requeue = requeue;
  }
}
