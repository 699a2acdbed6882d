import type { QueueType } from '../topology/topology.js';
import { isAtLeast } from '../transport/broker-version.js';
import type { BrokerFacts, Transport } from '../transport/transport.js';
import { consumesStream } from './check-stream.js';
import type { ListenerDefinition } from './listener-definition.js';

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

/** The same of a listener, as far as the declaration of its queue says. */
export function atShutdown(definition: ListenerDefinition, transport: Pick<Transport, 'broker'>): 'run' | 'give-back' {
  if (consumesStream(definition)) return 'give-back';
  const known = definition.queueDeclaration?.declare === 'always' ? definition.queueDeclaration.type : undefined;
  return prefetchedAtShutdown(definition.acknowledge === 'none', known, transport.broker);
}
