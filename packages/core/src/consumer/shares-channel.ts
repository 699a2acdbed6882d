import type { Problems } from '../errors/configuration-error.js';
import type { Transport } from '../transport/transport.js';
import type { ListenerDefinition } from './listener-definition.js';

/**
 * Whether the handlers of a listener share one consumer, and with it a channel, or have one each.
 *
 * | listener | |
 * |---|---|
 * | one handler at a time | one |
 * | ordered | one each: of a queue with a single active consumer one is active at a time |
 * | `sharedChannel` says so | as it says |
 * | its queue is declared here, and is as declared | shared |
 * | any other queue | one each: it may have a single active consumer, which nobody but its declaration tells |
 */
export function sharesChannel(
  definition: Pick<ListenerDefinition, 'queue' | 'concurrency' | 'ordered' | 'sharedChannel' | 'queueDeclaration'>,
  transport: Pick<Transport, 'isAsDeclared'>,
): boolean {
  const { concurrency, ordered, sharedChannel, queueDeclaration, queue } = definition;
  if (concurrency === 1 || ordered) return false;
  if (sharedChannel !== undefined) return sharedChannel;
  if (queueDeclaration?.declare !== 'always' || isSingleActive(definition)) return false;
  return transport.isAsDeclared?.(queue) === true;
}

/** Notes a wish that would break the order of the queue. */
export function checkSharedChannel(definition: ListenerDefinition, problems: Problems): void {
  const { sharedChannel, concurrency, ordered } = definition;
  if (sharedChannel !== true || concurrency === 1 || !(ordered || isSingleActive(definition))) return;
  problems.add(
    `sharedChannel does not go with ${ordered ? 'ordered' : 'a queue with singleActiveConsumer'}: one consumer would handle ${concurrency} messages side by side. Leave it out`,
  );
}

function isSingleActive({ queueDeclaration }: Pick<ListenerDefinition, 'queueDeclaration'>): boolean {
  return queueDeclaration?.arguments['x-single-active-consumer'] === true;
}
