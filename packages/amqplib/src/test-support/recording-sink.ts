import type { ConsumeRequest, Delivery, DeliverySink, InterruptionCause } from '@leveret/core';

/** Writes down what a subscription brings, and acknowledges it unless told otherwise. */
export class RecordingSink implements DeliverySink {
  readonly deliveries: Delivery[] = [];
  readonly tags: string[] = [];
  readonly interruptions: { readonly cause: InterruptionCause; readonly error: Error | undefined }[] = [];
  readonly failures: Error[] = [];
  readonly #settle: (delivery: Delivery) => void;

  constructor(settle: (delivery: Delivery) => void = (delivery) => delivery.channel.ack(delivery.deliveryTag)) {
    this.#settle = settle;
  }

  get bodies(): readonly string[] {
    return this.deliveries.map(({ message }) => message.body.toString());
  }

  get causes(): readonly InterruptionCause[] {
    return this.interruptions.map(({ cause }) => cause);
  }

  deliver(delivery: Delivery): void {
    this.deliveries.push(delivery);
    this.#settle(delivery);
  }

  consuming(consumerTag: string): void {
    this.tags.push(consumerTag);
  }

  interrupted(cause: InterruptionCause, error: Error | undefined): void {
    this.interruptions.push({ cause, error });
  }

  failed(error: Error): void {
    this.failures.push(error);
  }
}

/** A request to consume, with what the test does not care about filled in. */
export function consumeRequest(queue: string, changes: Partial<ConsumeRequest> = {}): ConsumeRequest {
  return {
    queue,
    prefetch: 10,
    noAck: false,
    messagesPerAck: 100,
    exclusive: false,
    priority: undefined,
    arguments: {},
    tagPrefix: 'test',
    missingQueue: 'fail',
    ...changes,
  };
}
