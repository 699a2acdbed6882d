import type { Message } from '@leveret/core';

/** A message with these parts, for tests. */
export function aMessage(parts: Partial<Message> = {}): Message {
  return { body: Buffer.from('{}'), headers: {}, exchange: '', routingKey: 'errors', redelivered: false, ...parts };
}
