import type { QueueDeclaration } from '../topology/topology.js';

/** Whether a message rejected from a queue is kept anywhere. */
export type RejectedKept = 'yes' | 'no' | 'unknown';

/** What is known of a queue besides what its declaration says. */
export interface QueueKnowledge {
  /** The topology has a policy that gives it a dead letter exchange. */
  readonly deadLetterPolicy: boolean;
  /** It is as it was declared: the broker took the declaration, and did not find it there with other properties. */
  readonly isAsDeclared: boolean;
}

/**
 * Whether a message rejected from the queue is kept anywhere, as far as can be told here. A policy can add a dead letter
 * exchange without the application knowing.
 * @see https://www.rabbitmq.com/docs/dlx
 */
export function keepsRejected(queue: QueueDeclaration | undefined, known: QueueKnowledge): RejectedKept {
  if (known.deadLetterPolicy) return 'yes';
  if (queue === undefined || !known.isAsDeclared) return 'unknown';
  return queue.arguments['x-dead-letter-exchange'] === undefined ? 'no' : 'yes';
}
