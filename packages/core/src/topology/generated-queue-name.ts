import { randomUUID } from 'node:crypto';

/** A name for a queue of this process alone: `leveret.gen-` and a random UUID in base64url (22 characters). */
export function generatedQueueName(): string {
  return `leveret.gen-${Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')}`;
}
