import type { QueueDeclaration } from '../topology/topology.js';

/**
 * Whether a message rejected from the queue is kept anywhere, as far as the declaration tells. A policy can add a dead
 * letter exchange without the application knowing.
 * @see https://www.rabbitmq.com/docs/dlx
 */
export function keepsRejected(queue: QueueDeclaration | undefined): 'yes' | 'no' | 'unknown' {
  if (queue === undefined || queue.declare === 'if-missing') return 'unknown';
  return queue.arguments['x-dead-letter-exchange'] === undefined ? 'no' : 'yes';
}
