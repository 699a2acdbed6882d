import type { Message } from '../queue/message.js';
import type { Queue } from '../queue/queue.js';
import type { Exchange } from '../routing/exchange.js';
import { type RoutingTable, route } from '../routing/router.js';
import { readHeaders } from '../wire/properties.js';

/**
 * The queues a message reaches from an exchange; its headers are read only where an exchange asks for them.
 *
 * @param routingKeys the published key, followed by those of CC and BCC
 */
export function routeMessage(
  table: RoutingTable<Queue>,
  exchange: Exchange<Queue>,
  message: Message,
  routingKeys: readonly string[],
): readonly Queue[] {
  const headers = () => readHeaders(message.bytes, message.propertiesStart, message.propertiesEnd) ?? [];
  return route(table, exchange, routingKeys, headers);
}
