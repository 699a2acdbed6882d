import { createHash } from 'node:crypto';
import type { Message } from '../message/message.js';

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
