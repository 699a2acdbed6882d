import type { DeliveryContext, Message } from '@leveret/core';
import { sampleContext } from '../container/sample-context.js';

/** A message with a JSON body. */
export function sampleMessage(payload: unknown, rest: Partial<Message> = {}): Message {
  return {
    body: Buffer.from(JSON.stringify(payload) ?? ''),
    contentType: 'application/json',
    headers: {},
    exchange: 'orders',
    routingKey: 'paid',
    redelivered: false,
    ...rest,
  };
}

/** The context of an attempt at this message. */
export function contextOf(message: Message, payload: unknown): DeliveryContext {
  return { ...sampleContext(), message, payload };
}
