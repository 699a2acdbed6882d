import { describeValue } from '../errors/configuration-error.js';
import { isReservedName } from './check-options.js';
import { policyMatches } from './policy-options.js';
import type { QueueDeclaration, Topology } from './topology.js';

/** Something that is allowed, but probably not meant. */
export interface TopologyWarning {
  readonly kind:
    | 'recoverer-exchange-undeclared'
    | 'rejected-messages-dropped'
    | 'dead-letter-exchange-undeclared'
    | 'alternate-exchange-undeclared'
    | 'binding-without-key'
    | 'consumer-timeout-exceeded'
    | 'kill-switch-too-slow'
    | 'crash-loop-unknowable'
    | 'delivery-limit-too-low';
  /** What is wrong and what to do, for the log. */
  readonly text: string;
}

/** What the warnings need to know of the listeners. */
export interface TopologyUse {
  /** Exchanges that recoverers publish to. */
  readonly recoverers?: readonly { readonly listenerId: string; readonly exchange: string }[];
  /** Listeners that may reject a delivery: every one with acknowledgements of its own or automatic ones. */
  readonly rejecting?: readonly { readonly listenerId: string; readonly queue: string }[];
}

/** What in a merged topology is probably not meant. Same input, same list; nothing is logged here. */
export function topologyWarnings(topology: Topology, use: TopologyUse = {}): readonly TopologyWarning[] {
  const declared = new Set(topology.exchanges.map(({ name }) => name));
  const isKnown = (exchange: string) => exchange === '' || isReservedName(exchange) || declared.has(exchange);
  return [
    ...recovererWarnings(use, isKnown),
    ...droppedWarnings(topology, use),
    ...danglingWarnings(topology, isKnown),
    ...keylessWarnings(topology),
  ];
}

type IsKnown = (exchange: string) => boolean;

function recovererWarnings(use: TopologyUse, isKnown: IsKnown): TopologyWarning[] {
  const listenersOf = new Map<string, string[]>();
  for (const { listenerId, exchange } of use.recoverers ?? []) {
    if (!isKnown(exchange)) listenersOf.set(exchange, [...(listenersOf.get(exchange) ?? []), listenerId]);
  }
  return Array.from(listenersOf, ([exchange, listeners]) => ({
    kind: 'recoverer-exchange-undeclared',
    text: `Exchange ${describeValue(exchange)}, to which failed messages of ${listeners.join(', ')} are republished, is declared by nobody here. While it is missing, recovery fails and those messages come again and again. Declare it with a queue bound to it.`,
  }));
}

function droppedWarnings(topology: Topology, use: TopologyUse): TopologyWarning[] {
  const rejecting = new Set(use.rejecting?.map(({ queue }) => queue));
  const dropping = topology.queues
    .filter((queue) => rejecting.has(queue.name) && queue.type !== 'stream' && !hasDeadLetters(queue, topology))
    .map(({ name }) => name);
  if (dropping.length === 0) return [];
  return [
    {
      kind: 'rejected-messages-dropped',
      text: `Messages rejected on ${dropping.join(', ')} are dropped: no dead letter exchange is declared for ${dropping.length === 1 ? 'this queue' : 'these queues'}. Say deadLetter: true on the listener, or set one by a policy.`,
    },
  ];
}

function hasDeadLetters(queue: QueueDeclaration, topology: Topology): boolean {
  return queue.arguments['x-dead-letter-exchange'] !== undefined || hasDeadLetterPolicy(queue, topology);
}

/** Whether a policy of the topology gives a queue a dead letter exchange. Of what type it is need not be known. */
export function hasDeadLetterPolicy(
  { name, type }: { readonly name: string; readonly type: QueueDeclaration['type'] | undefined },
  { policies }: Topology,
): boolean {
  return policies.some(
    (policy) =>
      policy.definition['dead-letter-exchange'] !== undefined &&
      ['all', 'queues', `${type}_queues`].includes(policy.applyTo) &&
      policyMatches(policy, name),
  );
}

function danglingWarnings(topology: Topology, isKnown: IsKnown): TopologyWarning[] {
  const warnings: TopologyWarning[] = [];
  for (const { name, arguments: args } of topology.queues) {
    const exchange = args['x-dead-letter-exchange'];
    if (typeof exchange !== 'string' || isKnown(exchange)) continue;
    warnings.push({
      kind: 'dead-letter-exchange-undeclared',
      text: `Dead letter exchange ${describeValue(exchange)} of queue ${describeValue(name)} is declared by nobody here. While it is missing, the broker drops dead letters. Declare it with a queue bound to it.`,
    });
  }
  for (const { name, arguments: args } of topology.exchanges) {
    const exchange = args['alternate-exchange'];
    if (typeof exchange !== 'string' || isKnown(exchange)) continue;
    warnings.push({
      kind: 'alternate-exchange-undeclared',
      text: `Alternate exchange ${describeValue(exchange)} of exchange ${describeValue(name)} is declared by nobody here. While it is missing, unroutable messages are dropped or returned.`,
    });
  }
  return warnings;
}

function keylessWarnings(topology: Topology): TopologyWarning[] {
  const assumed = new Set(
    topology.exchanges.filter((it) => it.assumed && it.type === 'direct').map(({ name }) => name),
  );
  return topology.bindings
    .filter((it) => assumed.has(it.source) && it.routingKey === '' && Object.keys(it.arguments).length === 0)
    .map((it) => ({
      kind: 'binding-without-key',
      text: `The binding of ${it.destinationType} ${describeValue(it.destination)} to exchange ${describeValue(it.source)} has no routing key. If the exchange is missing, it is declared as direct, and the binding takes only messages without a key. Give routingKey, or the exchange with its type.`,
    }));
}
