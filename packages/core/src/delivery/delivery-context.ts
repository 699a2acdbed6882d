import type { Message } from '../message/message.js';

/** How often a message has been tried, from every source that counts. */
export interface AttemptFacts {
  /**
   * This attempt, from 1: calls of the handler for this message, this one included, as far as this process knows of them, or the
   * message says so that has waited at the broker.
   */
  readonly attempt: number;
  /** How often the message has waited at the broker for its redelivery; 0 on its first way. */
  readonly redeliveries: number;
  /**
   * Failed deliveries as the broker counts them on quorum queues (`x-delivery-count`), 0 when it does not say, and on a first
   * delivery. Classic queues do not count: there a redelivery may show what the sender wrote.
   */
  readonly brokerDeliveryCount: number;
  /** How often the message was dead-lettered from this queue (`x-death`), 0 when never. A hint: a sender can write it too. */
  readonly deathCount: number;
}

/**
 * What an interceptor or a handler knows of the delivery at hand. A handler may say what its payload and its transaction are:
 * `DeliveryContext<PaySucceeded, PoolClient>`.
 */
export interface DeliveryContext<Payload = unknown, Transaction = unknown> extends AttemptFacts {
  /** The message as it arrived. */
  readonly message: Message;
  /** The payload after conversion and validation. */
  readonly payload: Payload;
  /** Id of the listener. */
  readonly listenerId: string;
  readonly queue: string;
  /** The broker has delivered the message before. */
  readonly redelivered: boolean;
  readonly deliveryTag: number;
  readonly consumerTag: string;
  /** When the delivery arrived, in milliseconds since the epoch. */
  readonly receivedAt: number;
  /**
   * The transaction in which the handler is to write, when the listener has a transactional inbox: what is written with
   * it takes effect once, together with the memory of the message. Behind the result of the attempt it refuses statements
   * (LEV_ATTEMPT_OVER). `undefined` otherwise.
   */
  readonly transaction: Transaction;
  /**
   * Fires when the handler's time is up (its listener's `timeout`), when the attempt has failed while something of it runs on
   * (an interceptor gave it up, one branch of a `Promise.all` threw), when the channel of the delivery is gone, when the claim
   * on the message is lost (`@Idempotent`), or when the shutdown can wait no longer. Hand it to whatever you call.
   */
  readonly signal: AbortSignal;
  /**
   * Manual mode: acknowledges. Answers whether a frame was sent; `false` when the channel is gone and the broker will
   * deliver again, or when a guard has undone the attempt, which has failed.
   * @throws {LeveretError} LEV_ALREADY_SETTLED when it was settled differently before, LEV_INVALID_STATE outside manual mode
   */
  ack(): boolean;
  /** Manual mode: back to the queue. A failed attempt (`basic.reject`) unless `failed: false` says it is merely given back. */
  requeue(options?: { readonly failed?: boolean }): boolean;
  /** Manual mode: rejects without requeue, to the dead letter exchange if the queue has one. */
  reject(): boolean;
}
