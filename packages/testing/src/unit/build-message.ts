import { contentTypeConverter, type Message } from '@leveret/core';

/** What is special about a message; what is left out is as of a message that leveret published. */
export type MessageParts = Partial<Message>;

let count = 0;

/**
 * Makes a message as it would arrive, for unit tests of what takes one. A payload is written as leveret writes it (JSON,
 * text, bytes); `body` and the properties in `parts` win over that.
 */
export function buildMessage(payload?: unknown, parts: MessageParts = {}): Message {
  const { headers, ...encoded } = contentTypeConverter().toMessage(payload ?? null, {});
  return {
    deliveryMode: 2,
    messageId: `message-${++count}`,
    exchange: '',
    routingKey: 'test',
    redelivered: false,
    ...encoded,
    ...parts,
    headers: { ...headers, ...parts.headers },
  };
}
