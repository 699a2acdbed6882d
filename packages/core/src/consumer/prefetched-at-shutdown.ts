import type { QueueType } from '../topology/topology.js';
import { isAtLeast } from '../transport/broker-version.js';
import type { BrokerFacts } from '../transport/transport.js';

/**
 * What to do at shutdown with deliveries that were prefetched but not started.
 *
 * | queue | broker | |
 * |---|---|---|
 * | any, `none` mode | any | run: the broker has forgotten them |
 * | classic, stream | any | give back: costs nothing |
 * | quorum | RabbitMQ from 4.3 | give back: a nack does not count as a failed delivery |
 * | quorum, or unknown | before 4.3, or unknown | run as long as there is time: each one given back costs it a delivery |
 *
 * @see https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
 */
export function prefetchedAtShutdown(
  noAck: boolean,
  queueType: QueueType | undefined,
  broker: BrokerFacts | undefined,
): 'run' | 'give-back' {
  if (noAck) return 'run';
  if (queueType === 'classic' || queueType === 'stream') return 'give-back';
  const isFree = broker?.product === 'RabbitMQ' && isAtLeast(broker.version, 4, 3, false);
  return isFree ? 'give-back' : 'run';
}
