import { brokerDeliveryCount, type DeliveryContext, deathCount } from '@leveret/core';
import { buildMessage } from './build-message.js';

/** What is special about a delivery; what is left out is as of a first attempt. */
export type ContextParts = Partial<Omit<DeliveryContext, 'ack' | 'requeue' | 'reject' | 'signal'>>;

/** A context for unit tests, which knows how it was settled. */
export interface BuiltContext extends DeliveryContext {
  /** The calls of `ack()`, `requeue()` and `reject()`, in order. */
  readonly settlements: readonly ('ack' | 'requeue' | 'give-back' | 'reject')[];
  /** Fires the signal, as when the handler's time is up. */
  abort(reason?: unknown): void;
}

/** Makes the context of a delivery, for unit tests of handlers and interceptors: no broker, no connection. */
export function buildContext(parts: ContextParts = {}): BuiltContext {
  const message = parts.message ?? buildMessage(parts.payload);
  const queue = parts.queue ?? 'test';
  const settlements: BuiltContext['settlements'][number][] = [];
  const settle = (how: BuiltContext['settlements'][number]): boolean => {
    settlements.push(how);
    return true;
  };
  const controller = new AbortController();
  return {
    payload: undefined,
    listenerId: 'test',
    redelivered: message.redelivered,
    deliveryTag: 1,
    consumerTag: 'test',
    receivedAt: Date.now(),
    attempt: 1,
    transaction: undefined,
    brokerDeliveryCount: brokerDeliveryCount(message),
    deathCount: deathCount(message, queue),
    ...parts,
    message,
    queue,
    signal: controller.signal,
    ack: () => settle('ack'),
    requeue: ({ failed } = {}) => settle(failed === false ? 'give-back' : 'requeue'),
    reject: () => settle('reject'),
    settlements,
    abort: (reason) => controller.abort(reason),
  };
}
