import type { Queue } from '../queue/queue.js';
import type { Delivery } from './unacked-deliveries.js';

/**
 * Deliveries as RabbitMQ settles them: by queue and consumer, in the order of their names, each basic.get by itself and
 * first. Whoever comes earlier is served earlier.
 */
export function settlementGroups(deliveries: readonly Delivery[]): Iterable<readonly Delivery[]> {
  const [first] = deliveries;
  const { queue, consumer } = first ?? {};
  const alike =
    consumer !== undefined && deliveries.every((other) => other.queue === queue && other.consumer === consumer);
  if (deliveries.length === 1 || alike) return [deliveries];
  // By the queue itself: one that was deleted may have a successor of the same name.
  const byQueue = new Map<Queue, Map<string, Delivery[]>>();
  for (const delivery of deliveries) {
    const groups = byQueue.get(delivery.queue) ?? new Map<string, Delivery[]>();
    byQueue.set(delivery.queue, groups);
    const who =
      delivery.consumer === undefined ? `0${String(delivery.tag).padStart(16, '0')}` : `1${delivery.consumer.tag}`;
    const group = groups.get(who);
    if (group === undefined) groups.set(who, [delivery]);
    else group.push(delivery);
  }
  const queues = [...byQueue].sort(([a], [b]) => (a.name < b.name ? -1 : 1));
  return queues.flatMap(([, groups]) => [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group));
}
