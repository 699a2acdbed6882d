import type { DeliveryContext } from '@leveret/core';

/** A context of no real delivery: classes in request scope are made once at start with it, to see that they can be. */
export function sampleContext(): DeliveryContext {
  return {
    message: { body: Buffer.alloc(0), headers: {}, exchange: '', routingKey: '', redelivered: false },
    payload: undefined,
    listenerId: '',
    queue: '',
    redelivered: false,
    deliveryTag: 0,
    consumerTag: '',
    receivedAt: 0,
    attempt: 1,
    redeliveries: 0,
    brokerDeliveryCount: 0,
    deathCount: 0,
    transaction: undefined,
    signal: new AbortController().signal,
    ack: () => false,
    requeue: () => false,
    reject: () => false,
  };
}
