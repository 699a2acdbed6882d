import type { Queue, QueueConsumer } from '../queue/queue.js';
import type { VersionProfile } from '../version/version-profile.js';
import type { Delivery } from './unacked-deliveries.js';

/** The queues of a channel that is gone. */
export interface Departure {
  /** They learn of it one after the other; until then a queue goes on delivering. */
  readonly inTurn: readonly Queue[];
  /** They learn of it together, when the others know. */
  readonly atOnce: readonly Queue[];
}

/** Classic queues with consumers are told in turn, the one declared last first; the others see for themselves. */
export function planDeparture(consumers: readonly QueueConsumer[], deliveries: Iterable<Delivery>): Departure {
  const consumed = new Set(consumers.map(({ queue }) => queue));
  const inTurn = [...consumed].filter(({ type }) => type === 'classic').sort((a, b) => b.serial - a.serial);
  const all = new Set([...consumed, ...[...deliveries].map(({ queue }) => queue)]);
  return { inTurn, atOnce: [...all].filter((queue) => !inTurn.includes(queue)) };
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
