import type { Problems } from '../errors/configuration-error.js';
import type { RatePolicy } from '../outage/rate-limit.js';
import type { QueueDeclaration } from '../topology/topology.js';
import type { ListenerDefinition } from './listener-definition.js';

const DEFAULT_PREFETCH = 50;
const SOON_MS = 10_000;

/** What a listener says of its order, `undefined` where it says nothing. */
export interface OrderWishes {
  readonly ordered: boolean | undefined;
  readonly prefetch: number | undefined;
  readonly maxRate?: RatePolicy | undefined;
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
  return { ordered, prefetch: wishes.prefetch ?? (ordered ? 1 : defaultPrefetch(wishes.maxRate)) };
}

/** What may not begin soon is not fetched in advance: others may be there to handle it. */
function defaultPrefetch(maxRate: RatePolicy | undefined): number {
  if (maxRate === undefined) return DEFAULT_PREFETCH;
  const soon = Math.ceil((maxRate.messages * SOON_MS) / maxRate.perMs);
  return Math.min(DEFAULT_PREFETCH, Math.max(1, soon));
}
