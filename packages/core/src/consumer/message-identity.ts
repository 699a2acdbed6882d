import { createHash } from 'node:crypto';
import { isOfTheDelivery } from '../message/delivery-headers.js';
import { MESSAGE_PROPERTIES, type Message } from '../message/message.js';

/** Its message id, if it has one to be known by; one that is no text by its bytes. */
export function messageIdentity({ messageId, verbatim }: Message): string | undefined {
  const bytes = verbatim?.properties.messageId;
  if (bytes !== undefined) return `bytes:${bytes.toString('hex')}`;
  return messageId === '' ? undefined : messageId;
}

/** Of what the broker does not change from delivery to delivery, as it does some headers. */
export function contentKey({ exchange, routingKey, correlationId, timestamp, type, body }: Message): string {
  const facts = JSON.stringify([exchange, routingKey, correlationId, timestamp, type]);
  return `content:${createHash('sha256').update(facts).update('\0').update(body).digest('hex')}`;
}

/**
 * Of all that its publisher said, and the way it took: two messages that have the same are no different to any handler. `undefined` of
 * one that has no id, or that cannot be held exactly.
 */
export function exactKey(message: Message): string | undefined {
  if (message.verbatim !== undefined || messageIdentity(message) === undefined) return undefined;
  const { exchange, routingKey, headers, body } = message;
  const facts = [
    exchange,
    routingKey,
    MESSAGE_PROPERTIES.map((name) => message[name]),
    Object.entries(headers).filter(([name]) => !isOfTheDelivery(name)),
  ];
  const text = JSON.stringify(facts, (_name, value) => (typeof value === 'bigint' ? `${value}n` : value));
  return createHash('sha256').update(text).update('\0').update(body).digest('base64');
}
