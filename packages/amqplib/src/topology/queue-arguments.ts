import { isAtLeast, type QueueDeclaration, type TopologyArguments } from '@leveret/core';

/** What is sent as the arguments of a queue. */
export interface QueueArguments {
  readonly arguments: TopologyArguments;
  /** Set when something asked for was left out because this broker does not know it any more. */
  readonly notice: string | undefined;
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
