import type { Problems } from '../errors/configuration-error.js';
import type { ListenerDefinition } from './listener-definition.js';

/** Whether the listener's queue is a stream: it is declared as one, or consumed from an offset. */
export function consumesStream({ queueDeclaration, consumerArguments }: ListenerDefinition): boolean {
  return queueDeclaration?.type === 'stream' || consumerArguments['x-stream-offset'] !== undefined;
}

/** Notes what is impossible, or means something else, on a stream. */
export function checkStream(definition: ListenerDefinition, problems: Problems): void {
  if (!consumesStream(definition)) {
    if (definition.streamOffsets !== undefined) problems.add('streamOffsets is for streams; this queue is none');
    return;
  }
  const { prefetch, concurrency, exclusive, priority, acknowledge, retry } = definition;
  if (prefetch === 0)
    problems.add('prefetch must be at least 1 on a stream: the broker refuses a consumer without one');
  if (concurrency > 1) {
    problems.add(
      `concurrency must be 1 on a stream: each of ${concurrency} consumers would get every message. Use partitions, or a queue`,
    );
  }
  if (exclusive) problems.add('exclusive means nothing on a stream: every consumer gets every message. Leave it out');
  if (priority !== undefined) problems.add('priority does not exist on a stream: the broker refuses it. Leave it out');
  if (acknowledge === 'none') {
    problems.add("acknowledge: 'none' does not exist on a stream: the broker closes the connection. Use 'auto'");
  }
  if (retry?.stateless === false) {
    problems.add('stateful retry does not exist on a stream: nothing can be put back. Leave stateless out');
  }
  if (definition.redeliver !== undefined) {
    problems.add('redeliver does not exist on a stream: nothing leaves it, and its order is what it is for. Use retry');
  }
}
