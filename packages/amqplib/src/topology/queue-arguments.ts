import { isAtLeast, type QueueDeclaration, type TopologyArguments } from '@leveret/core';

/** What is sent as the arguments of a queue. */
export interface QueueArguments {
  readonly arguments: TopologyArguments;
  /** Set when something asked for was left out because this broker does not know it any more. */
  readonly notice: string | undefined;
}

const RETRY_TYPE = 'x-delayed-retry-type';
const RETRY_MIN = 'x-delayed-retry-min';
const RETRY_MAX = 'x-delayed-retry-max';

/** Whether the broker can hold back by itself what is rejected from this queue: quorum queues of RabbitMQ from 4.3 on. */
export function canHoldBack({ type, delayedRetry }: QueueDeclaration, version: string): boolean {
  return delayedRetry !== undefined && type === 'quorum' && isAtLeast(version, 4, 3, false);
}

/** The arguments with which a queue holds back what is rejected. Only failures: what is given back without fault comes at once. */
export function delayedRetryArguments(queue: QueueDeclaration): TopologyArguments {
  const { minMs, maxMs } = queue.delayedRetry ?? { minMs: 0, maxMs: 0 };
  return { ...withType(queue), [RETRY_TYPE]: 'failed', [RETRY_MIN]: minMs, [RETRY_MAX]: maxMs };
}

/** Whether a mismatch is about these arguments. */
export function isAboutDelayedRetry(argument: string | undefined): boolean {
  return argument === RETRY_TYPE || argument === RETRY_MIN || argument === RETRY_MAX;
}

/**
 * Decides on the arguments that depend on the broker's version: `lazy` becomes `x-queue-mode=lazy` on brokers before
 * 3.12; later ones keep every classic queue on disk anyway, so that it is left out with a notice.
 * @param keepLazy sends it to a newer broker all the same: the queue exists and has it
 * @see https://www.rabbitmq.com/docs/lazy-queues
 */
export function queueArguments(queue: QueueDeclaration, version: string, keepLazy = false): QueueArguments {
  const typed = withType(queue);
  if (!queue.lazy || queue.type !== 'classic') return { arguments: typed, notice: undefined };
  if (keepLazy || !isAtLeast(version, 3, 12, true)) {
    return { arguments: { ...typed, 'x-queue-mode': 'lazy' }, notice: undefined };
  }
  const { 'x-queue-mode': _, ...rest } = typed;
  const notice =
    `Queue ${JSON.stringify(queue.name)} is declared without x-queue-mode=lazy: RabbitMQ ${version} keeps every ` +
    'classic queue on disk (since 3.12), so that nothing is lost by leaving it out.';
  return { arguments: rest, notice };
}

function withType(queue: QueueDeclaration): TopologyArguments {
  if (queue.type === 'classic' || queue.arguments['x-queue-type'] !== undefined) return queue.arguments;
  return { ...queue.arguments, 'x-queue-type': queue.type };
}
