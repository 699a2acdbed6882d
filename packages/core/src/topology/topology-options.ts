import { checkKnown, isRecord } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import { type DeclaredBindingOptions, resolveBinding, resolveExchangeBinding } from './binding-options.js';
import { asList, checkObject } from './check-options.js';
import { type BuiltExchange, ExchangeBuilder, type ExchangeReference, exchangeOptionsOf } from './exchange-builder.js';
import { resolveExchangeName, resolveExchangeOptions } from './exchange-options.js';
import { EMPTY_TOPOLOGY, mergeTopologies, type SourcedTopology } from './merge-topologies.js';
import { type PolicyOptions, resolvePolicy } from './policy-options.js';
import { looksLikeQueue, type QueueReference, queueOptionsOf } from './queue-builder.js';
import { type ResolvedQueue, resolveQueueName, resolveQueueOptions } from './queue-options.js';
import type { Topology } from './topology.js';

/** What an application declares without a listener. */
export interface TopologyOptions {
  readonly exchanges?: readonly ExchangeReference[];
  readonly queues?: readonly QueueReference[];
  readonly bindings?: readonly DeclaredBindingOptions[];
  readonly policies?: readonly PolicyOptions[];
}

/**
 * One item of a mixed list, told apart by what it has: a `pattern` is a policy's, an `exchange` a binding's, and the
 * type of an exchange an exchange's; everything else is a queue.
 */
export type Declarable = QueueReference | ExchangeBuilder | BuiltExchange | DeclaredBindingOptions | PolicyOptions;

/** Declarations by kind, or as one mixed list. */
export type Declarables = TopologyOptions | readonly Declarable[];

/**
 * Everything that the options declare, resolved and merged. Faults are noted in `problems`, and what is at fault is
 * left out. One options object or builder given in several places is one queue, also when its name is generated.
 */
export function topologyOf(declarables: Declarables, problems: Problems): Topology {
  const groups = Array.isArray(declarables) ? sortByKind(declarables, problems) : groupsOf(declarables, problems);
  const anonymous = new Map<unknown, ResolvedQueue | undefined>();
  const queueOf = (reference: unknown, place: Problems) => {
    if (typeof reference === 'string') return resolveQueueName(reference, place);
    if (!anonymous.has(reference)) anonymous.set(reference, resolveQueueOptions(queueOptionsOf(reference), place));
    return anonymous.get(reference);
  };
  const sources = groups.flatMap(({ kind, source, item }): SourcedTopology[] => {
    const place = problems.at(source);
    return [{ source, topology: RESOLVERS[kind](item, queueOf, place) }];
  });
  return mergeTopologies(sources, problems);
}

/**
 * Several declarations as one, by kind, such as those of the modules of an application. Faults of the lists themselves are noted in
 * `problems`; what stands in them is checked where they are resolved.
 */
export function joinDeclarables(all: readonly Declarables[], problems: Problems): TopologyOptions {
  const joined: Record<Kind, unknown[]> = { exchanges: [], queues: [], bindings: [], policies: [] };
  for (const each of all) {
    const groups = Array.isArray(each) ? sortByKind(each, problems) : groupsOf(each, problems);
    for (const { kind, item } of groups) joined[kind].push(item);
  }
  return joined as TopologyOptions;
}

type Kind = 'exchanges' | 'queues' | 'bindings' | 'policies';
type QueueOf = (reference: unknown, problems: Problems) => ResolvedQueue | undefined;

interface Item {
  readonly kind: Kind;
  /** Where it stands, such as `queues[2]`. */
  readonly source: string;
  readonly item: unknown;
}

const KINDS: readonly Kind[] = ['exchanges', 'queues', 'bindings', 'policies'];

const RESOLVERS: Readonly<Record<Kind, (item: unknown, queueOf: QueueOf, problems: Problems) => Topology>> = {
  exchanges: (item, _queueOf, problems) => {
    const exchange =
      typeof item === 'string'
        ? resolveExchangeName(item, 'direct', problems)
        : resolveExchangeOptions(exchangeOptionsOf(item), problems);
    return exchange?.declaration === undefined
      ? EMPTY_TOPOLOGY
      : { ...EMPTY_TOPOLOGY, exchanges: [exchange.declaration] };
  },
  queues: (item, queueOf, problems) => {
    const queue = queueOf(item, problems);
    return queue?.declaration === undefined ? EMPTY_TOPOLOGY : { ...EMPTY_TOPOLOGY, queues: [queue.declaration] };
  },
  bindings: (item, queueOf, problems) => {
    const raw = checkObject(item, 'a binding', problems);
    if (raw === undefined) return EMPTY_TOPOLOGY;
    if (raw['queue'] === undefined) return resolveExchangeBinding(raw, problems);
    const queue = queueOf(raw['queue'], problems);
    if (queue === undefined) return EMPTY_TOPOLOGY;
    const bound = resolveBinding(raw, { name: queue.name, type: 'queue' }, problems);
    return queue.declaration === undefined ? bound : { ...bound, queues: [queue.declaration] };
  },
  policies: (item, _queueOf, problems) => {
    const policy = resolvePolicy(item, problems);
    return policy === undefined ? EMPTY_TOPOLOGY : { ...EMPTY_TOPOLOGY, policies: [policy] };
  },
};

function groupsOf(declarables: unknown, problems: Problems): readonly Item[] {
  const raw = checkObject(declarables, 'the topology', problems);
  if (raw === undefined) return [];
  checkKnown(raw, KINDS, 'the topology', problems);
  return KINDS.flatMap((kind) => {
    const list = raw[kind];
    if (list !== undefined && !Array.isArray(list)) problems.add(`${kind} must be a list; got ${describeValue(list)}`);
    return (Array.isArray(list) ? list : []).map((item, index) => ({ kind, source: `${kind}[${index}]`, item }));
  });
}

function sortByKind(declarables: readonly unknown[], problems: Problems): readonly Item[] {
  return asList(declarables).flatMap((item, index): Item[] => {
    const source = `declaration ${index + 1}`;
    if (typeof item === 'string' || item instanceof ExchangeBuilder || looksLikeQueueItem(item)) {
      return [{ kind: item instanceof ExchangeBuilder ? 'exchanges' : 'queues', source, item }];
    }
    if (!isRecord(item)) {
      problems.add(`${source} must be a queue, an exchange, a binding or a policy; got ${describeValue(item)}`);
      return [];
    }
    if (item['pattern'] !== undefined) return [{ kind: 'policies', source, item }];
    return [{ kind: item['exchange'] === undefined ? 'exchanges' : 'bindings', source, item }];
  });
}

function looksLikeQueueItem(item: unknown): boolean {
  return looksLikeQueue(item) && !(isRecord(item) && (item['pattern'] !== undefined || item['exchange'] !== undefined));
}
