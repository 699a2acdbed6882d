import type { FieldTable } from '../wire/field-table.js';
import { Exchange, type RouteTarget } from './exchange.js';

/** Where the router looks exchanges and queues up. */
export interface RoutingTable<Q extends RouteTarget> {
  exchange(name: string): Exchange<Q> | undefined;
  queue(name: string): Q | undefined;
  /** Rises with every change of exchanges, queues, bindings or policies. */
  readonly topologyVersion: number;
  readonly floatsEqualIntegers: boolean;
}

const CACHED_KEYS_PER_EXCHANGE = 10_000;

/**
 * The queues a message reaches, each once: along bindings between exchanges, and through alternate exchanges where an
 * exchange on the way matches nothing. Cycles are harmless.
 *
 * @param routingKeys the published key, followed by those of CC and BCC
 */
export function route<Q extends RouteTarget>(
  table: RoutingTable<Q>,
  exchange: Exchange<Q>,
  routingKeys: readonly string[],
  headers: () => FieldTable,
): readonly Q[] {
  const [onlyKey] = routingKeys;
  if (routingKeys.length !== 1 || onlyKey === undefined) return walk(table, exchange, routingKeys, headers).queues;
  if (exchange.name === '') {
    const queue = table.queue(onlyKey);
    return queue === undefined ? [] : [queue];
  }
  if (exchange.routesVersion !== table.topologyVersion) {
    exchange.routes.clear();
    exchange.routesVersion = table.topologyVersion;
  }
  const cached = exchange.routes.get(onlyKey);
  if (cached !== undefined) return cached;
  const { queues, cacheable } = walk(table, exchange, routingKeys, headers);
  if (cacheable) {
    if (exchange.routes.size >= CACHED_KEYS_PER_EXCHANGE) exchange.routes.clear();
    exchange.routes.set(onlyKey, queues);
  }
  return queues;
}

interface Walk<Q> {
  readonly queues: readonly Q[];
  /** `false` when headers or chance had a say. */
  readonly cacheable: boolean;
}

function walk<Q extends RouteTarget>(
  table: RoutingTable<Q>,
  start: Exchange<Q>,
  routingKeys: readonly string[],
  headers: () => FieldTable,
): Walk<Q> {
  const queues = new Set<Q>();
  const seen = new Set<Exchange<Q>>([start]);
  const waiting: Exchange<Q>[] = [start];
  let cacheable = true;
  for (let exchange = waiting.shift(); exchange !== undefined; exchange = waiting.shift()) {
    if (exchange.type === 'headers' || exchange.type === 'x-local-random') cacheable = false;
    let matched = false;
    const found = (destination: Q | Exchange<Q>): void => {
      matched = true;
      if (!(destination instanceof Exchange)) queues.add(destination);
      else if (!seen.has(destination)) {
        seen.add(destination);
        waiting.push(destination);
      }
    };
    for (const key of routingKeys) {
      if (exchange.name === '') {
        const queue = table.queue(key);
        if (queue !== undefined) found(queue);
      } else {
        exchange.match(key, headers, table.floatsEqualIntegers, found);
      }
    }
    if (matched || exchange.alternate === undefined) continue;
    const alternate = table.exchange(exchange.alternate);
    if (alternate !== undefined && !seen.has(alternate)) {
      seen.add(alternate);
      waiting.push(alternate);
    }
  }
  return { queues: [...queues], cacheable };
}
