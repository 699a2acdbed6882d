import type { Problems } from '../errors/configuration-error.js';
import type { ListenerDefinition } from './listener-definition.js';

/** Notes what redelivery contradicts: a message that waits comes back behind others. */
export function checkRedeliver({ ordered, redeliver }: ListenerDefinition, problems: Problems): void {
  if (redeliver === undefined || !ordered) return;
  problems.add(
    'redeliver does not keep the order that ordered promises, also where a queue with singleActiveConsumer implies it: a message that waits comes back behind later ones. Say ordered: false if that may be, or use retry, which holds the queue meanwhile',
  );
}
