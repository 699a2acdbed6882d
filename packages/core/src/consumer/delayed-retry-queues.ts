import { type LinearRule, linearRule } from '../retry/redeliver-delays.js';
import type { QueueDeclaration, Topology } from '../topology/topology.js';
import type { ListenerDefinition } from './listener-definition.js';

const DEFAULT_DELIVERY_LIMIT = 20;

/**
 * The topology in which quorum queues hold back failed messages by themselves, where the broker can and all listeners of the queue
 * wait by one linear rule. The delivery limit must leave room: deliveries that end with their process count, too.
 */
export function withDelayedRetries(
  topology: Topology,
  listeners: readonly Pick<ListenerDefinition, 'queue' | 'redeliver'>[],
): Topology {
  const queues = topology.queues.map((queue) => {
    const delayedRetry = ruleOf(
      queue,
      listeners.filter((listener) => listener.queue === queue.name),
    );
    return delayedRetry === undefined ? queue : Object.freeze({ ...queue, delayedRetry });
  });
  return Object.freeze({ ...topology, queues: Object.freeze(queues) });
}

function ruleOf(
  { type, declare, arguments: args }: QueueDeclaration,
  listeners: readonly Pick<ListenerDefinition, 'redeliver'>[],
): LinearRule | undefined {
  if (type !== 'quorum' || declare !== 'always') return undefined;
  const [rule, ...others] = listeners.map(({ redeliver }) =>
    redeliver?.native === true ? { ...linearRule(redeliver), redeliveries: redeliver.delaysMs.length } : undefined,
  );
  if (rule?.minMs === undefined || rule.maxMs === undefined) return undefined;
  if (others.some((other) => other?.minMs !== rule.minMs || other?.maxMs !== rule.maxMs)) return undefined;
  const limit = args['x-delivery-limit'] ?? DEFAULT_DELIVERY_LIMIT;
  if (typeof limit !== 'number' || (limit >= 0 && limit < 2 * rule.redeliveries)) return undefined;
  const { minMs, maxMs } = rule;
  const own = [args['x-delayed-retry-type'], args['x-delayed-retry-min'], args['x-delayed-retry-max']];
  const said = own.some((value) => value !== undefined);
  return said && (own[0] !== 'failed' || own[1] !== minMs || own[2] !== maxMs) ? undefined : { minMs, maxMs };
}
