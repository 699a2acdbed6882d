import type { ApplicationPlan, TopologyArguments } from '@leveret/core';
import type { BindingView, ExchangeView, QueueView } from '@leveret/operations';
import type { TopologyEdgeJson, TopologyJson, TopologyNodeJson } from '../contract/contract.js';

/** What the broker has. */
export interface BrokerTopology {
  readonly exchanges: readonly ExchangeView[];
  readonly queues: readonly QueueView[];
  readonly bindings: readonly BindingView[];
  readonly consumers: readonly { readonly tag: string; readonly queue: string }[];
}

const MOST_NODES = 2000;

/**
 * A graph of what there is: exchanges, queues, consumers, and how messages get from one to the other.
 * @param plan what the application declares that the console is mounted into
 */
export function showTopology(
  broker: BrokerTopology,
  plan: ApplicationPlan | undefined,
  errorQueues: ReadonlySet<string>,
): TopologyJson {
  const declared = new Set([
    ...(plan?.exchanges ?? []).map(({ name }) => exchangeId(name)),
    ...(plan?.queues ?? []).map(({ name }) => queueId(name)),
  ]);
  const isDeclared = (id: string) => (plan === undefined ? undefined : declared.has(id));
  const nodes = new Map<string, TopologyNodeJson>();
  const edges: TopologyEdgeJson[] = [];
  for (const { name, type } of broker.exchanges) {
    const id = exchangeId(name);
    nodes.set(id, { id, kind: 'exchange', name, type, declared: isDeclared(id) });
  }
  for (const queue of broker.queues) {
    const { name, type, messages } = queue;
    const id = queueId(name);
    nodes.set(id, {
      id,
      kind: 'queue',
      name,
      type,
      messages,
      role: roleOf(name, errorQueues),
      declared: isDeclared(id),
    });
    edges.push(...deadLetterOf(queue));
  }
  for (const { tag, queue } of broker.consumers) {
    const id = `consumer:${queue}:${tag}`;
    nodes.set(id, { id, kind: 'consumer', name: tag });
    edges.push({ from: queueId(queue), to: id, kind: 'consume', label: '' });
  }
  for (const { source, destination, destinationType, routingKey, arguments: args } of broker.bindings) {
    const to = destinationType === 'queue' ? queueId(destination) : exchangeId(destination);
    edges.push({ from: exchangeId(source), to, kind: 'binding', label: labelOf(routingKey, args) });
  }
  for (const { name, arguments: args } of broker.exchanges) {
    const alternate = args['alternate-exchange'];
    if (typeof alternate === 'string')
      edges.push({ from: exchangeId(name), to: exchangeId(alternate), kind: 'alternate', label: 'unroutable' });
  }
  return connected(nodes, edges);
}

/** What an application would declare, where nobody tells what there is. */
export function plannedTopology({ exchanges, queues, bindings }: ApplicationPlan): BrokerTopology {
  const rest = { autoDelete: false, policy: undefined };
  return {
    exchanges: exchanges.map(({ name, type, durable, internal, arguments: args }) => ({
      ...rest,
      name,
      type,
      durable,
      internal,
      arguments: args,
    })),
    queues: queues.map(({ name, type, durable, exclusive, arguments: args }) => ({
      ...{ ...rest, name, type, durable, exclusive, arguments: args },
      ...{ messages: 0, consumers: 0, effective: {} },
    })),
    bindings,
    consumers: [],
  };
}

/** Without exchanges that every broker has and nobody uses, and edges that lead nowhere. */
function connected(nodes: Map<string, TopologyNodeJson>, edges: readonly TopologyEdgeJson[]): TopologyJson {
  const used = new Set(edges.flatMap(({ from, to }) => [from, to]));
  // Dead letters that go by the default exchange name their queue.
  const all = [...nodes.values()].filter(
    ({ id, name, kind }) => kind !== 'exchange' || used.has(id) || !/^(?:amq\..*)?$/.test(name),
  );
  const shown = all.slice(0, MOST_NODES);
  const ids = new Set(shown.map(({ id }) => id));
  return {
    nodes: shown,
    edges: edges.filter(({ from, to }) => ids.has(from) && ids.has(to)),
    truncated: all.length > MOST_NODES,
  };
}

function deadLetterOf({ name, arguments: args, effective }: QueueView): readonly TopologyEdgeJson[] {
  const exchange = effective['dead-letter-exchange'] ?? args['x-dead-letter-exchange'];
  if (typeof exchange !== 'string') return [];
  const key = effective['dead-letter-routing-key'] ?? args['x-dead-letter-routing-key'];
  const label = typeof key === 'string' ? key : '';
  const to = exchange === '' ? queueId(label === '' ? name : label) : exchangeId(exchange);
  return [{ from: queueId(name), to, kind: 'dead-letter', label: exchange === '' ? '' : label }];
}

function roleOf(name: string, errorQueues: ReadonlySet<string>): TopologyNodeJson['role'] {
  if (errorQueues.has(name)) return 'error';
  if (/^leveret(?:\.[^.]+)?\.(?:wait|delay|due)\./.test(name)) return 'delay';
  return /^leveret\.(?:retrying|discarded|outcome|tail|lock|audit)(?:\.|$)/.test(name) ? 'own' : undefined;
}

function labelOf(routingKey: string, args: TopologyArguments): string {
  const entries = Object.entries(args);
  if (entries.length === 0) return routingKey;
  return entries
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ');
}

function exchangeId(name: string): string {
  return `exchange:${name}`;
}

function queueId(name: string): string {
  return `queue:${name}`;
}
