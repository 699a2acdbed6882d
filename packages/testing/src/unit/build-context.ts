import { brokerDeliveryCount, type DeliveryContext, deathCount, LeveretError } from '@leveret/core';
import { buildMessage } from './build-message.js';

/** What is special about a delivery; what is left out is as of a first attempt. */
export type ContextParts<Payload = unknown, Transaction = unknown> = Partial<
  Omit<DeliveryContext<Payload, Transaction>, 'ack' | 'requeue' | 'reject' | 'signal'>
>;

/** A context for unit tests, which knows how it was settled. */
export interface BuiltContext<Payload = unknown, Transaction = unknown> extends DeliveryContext<Payload, Transaction> {
  /** What `ack()`, `requeue()` and `reject()` sent to the broker: one at most, as of a real delivery. */
  readonly settlements: readonly ('ack' | 'requeue' | 'give-back' | 'reject')[];
  /** Fires the signal, as when the handler's time is up. */
  abort(reason?: unknown): void;
  /** The channel of the delivery is gone: what settles it from now on answers `false`, and has no effect. */
  loseChannel(): void;
}

/**
 * Makes the context of a delivery, for unit tests of handlers and interceptors: no broker, no connection. It is settled as a
 * real one is: the same again answers `false`, and anything else throws LEV_ALREADY_SETTLED.
 */
export function buildContext<Payload = unknown, Transaction = unknown>(
  parts: ContextParts<Payload, Transaction> = {},
): BuiltContext<Payload, Transaction> {
  const message = parts.message ?? buildMessage(parts.payload);
  const queue = parts.queue ?? 'test';
  const settlements: BuiltContext['settlements'][number][] = [];
  let settled: BuiltContext['settlements'][number] | undefined;
  let channelIsGone = false;
  const settle = (how: BuiltContext['settlements'][number]): boolean => {
    if (settled !== undefined) {
      if (settled === how) return false;
      throw new LeveretError(
        'LEV_ALREADY_SETTLED',
        `The delivery was settled with ${settled} before; ${how} is refused.`,
      );
    }
    settled = how;
    if (!channelIsGone) settlements.push(how);
    return !channelIsGone;
  };
  const controller = new AbortController();
  return {
    payload: undefined as Payload,
    listenerId: 'test',
    redelivered: message.redelivered,
    deliveryTag: 1,
    consumerTag: 'test',
    receivedAt: Date.now(),
    attempt: 1,
    redeliveries: 0,
    transaction: undefined as Transaction,
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
    loseChannel: () => {
      channelIsGone = true;
    },
  };
}
