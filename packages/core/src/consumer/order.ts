import type { Problems } from '../errors/configuration-error.js';
import type { QueueDeclaration } from '../topology/topology.js';
import type { ListenerDefinition } from './listener-definition.js';

const DEFAULT_PREFETCH = 50;

/** What a listener says of its order, `undefined` where it says nothing. */
export interface OrderWishes {
  readonly ordered: boolean | undefined;
  readonly prefetch: number | undefined;
}

/**
 * Whether a listener keeps the order of its queue also at a hand-over, and how much it fetches in advance. A queue with a
 * single active consumer is meant to keep its order: what is fetched in advance there would come late to the successor.
 * @see https://www.rabbitmq.com/docs/consumers#single-active-consumer
 */
export function resolveOrder(
  wishes: OrderWishes,
  concurrency: number,
  queue: QueueDeclaration | undefined,
  problems: Problems,
): Pick<ListenerDefinition, 'ordered' | 'prefetch'> {
  const isSingleActive = queue?.arguments['x-single-active-consumer'] === true;
  const ordered = wishes.ordered ?? isSingleActive;
  if (wishes.ordered === true && concurrency > 1 && !isSingleActive) {
    problems.add(
      `ordered needs concurrency: 1, or a queue with singleActiveConsumer: with concurrency ${concurrency} messages are handled side by side`,
    );
  }
  return { ordered, prefetch: wishes.prefetch ?? (ordered ? 1 : DEFAULT_PREFETCH) };
}
