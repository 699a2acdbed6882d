import type { Consumer } from '../queue/consumer.js';
import type { Queue } from '../queue/queue.js';
import type { VersionProfile } from '../version/version-profile.js';
import type { Delivery } from './unacked-deliveries.js';

/**
 * The queues of a channel in the order in which they learn that it is gone: classic queues it consumes from, the one
 * declared last first, then the others. Until then a queue goes on delivering to it.
 */
export function departureOrder(consumers: readonly Consumer[], deliveries: Iterable<Delivery>): Queue[] {
  const consumed = new Set(consumers.map(({ queue }) => queue));
  const classic = [...consumed].filter(({ type }) => type === 'classic').sort((a, b) => b.serial - a.serial);
  const others = [...deliveries].map(({ queue }) => queue);
  return [...new Set([...classic, ...consumed, ...others])];
}

/**
 * The deliveries of a lost channel in the order in which their queue takes them back. A classic queue knows the place of
 * each message; a quorum queue goes by consumers, each basic.get being one whose tag is the number of its delivery.
 */
export function returnOrder(deliveries: readonly Delivery[], { type }: Queue, profile: VersionProfile): Delivery[] {
  if (type === 'classic') return [...deliveries];
  const compare = profile.quorumOrdersByTag ? compareTags : compareSubscriptions;
  return [...deliveries].sort((a, b) => compare(a, b) || a.tag - b.tag);
}

function compareTags(a: Delivery, b: Delivery): number {
  const [tagA, tagB] = [a.consumer?.tag ?? String(a.tag), b.consumer?.tag ?? String(b.tag)];
  return tagA < tagB ? -1 : tagA > tagB ? 1 : 0;
}

/** Consumers as they came, then each basic.get. */
function compareSubscriptions(a: Delivery, b: Delivery): number {
  if (a.consumer === undefined && b.consumer === undefined) return compareTags(a, b);
  return (a.consumer?.serial ?? Infinity) - (b.consumer?.serial ?? Infinity);
}
