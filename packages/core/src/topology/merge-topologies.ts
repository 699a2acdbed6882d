import { isDeepStrictEqual } from 'node:util';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import type {
  BindingDeclaration,
  ExchangeDeclaration,
  PolicyDeclaration,
  QueueDeclaration,
  Topology,
  TopologyArguments,
} from './topology.js';

/** A topology and who asks for it, such as `listener Orders.onPaid`. */
export interface SourcedTopology {
  readonly source: string;
  readonly topology: Topology;
}

/** Nothing to declare. */
export const EMPTY_TOPOLOGY: Topology = Object.freeze({
  exchanges: Object.freeze([]),
  queues: Object.freeze([]),
  bindings: Object.freeze([]),
  policies: Object.freeze([]),
});

/**
 * One topology out of many. What several declare alike is declared once, in the order of first mention. Of several
 * declarations of one name, the one that says most is kept: with options before only named, `always` before
 * `if-missing`. Two that say as much must agree; else a fault names both sources and what differs.
 */
export function mergeTopologies(sources: readonly SourcedTopology[], problems: Problems): Topology {
  const merged: Topology = {
    exchanges: mergeNamed('exchange', collect(sources, 'exchanges'), EXCHANGE_FIELDS, problems),
    queues: mergeNamed('queue', collect(sources, 'queues'), QUEUE_FIELDS, problems),
    bindings: mergeBindings(sources),
    policies: mergeNamed('policy', collect(sources, 'policies'), POLICY_FIELDS, problems),
  };
  checkHeadersBindings(merged, sources, problems);
  return Object.freeze(merged);
}

interface Sourced<T> {
  readonly source: string;
  readonly declaration: T;
}

type Named = ExchangeDeclaration | QueueDeclaration | PolicyDeclaration;

const EXCHANGE_FIELDS = ['type', 'durable', 'autoDelete', 'internal', 'arguments'] as const;
const QUEUE_FIELDS = ['type', 'durable', 'exclusive', 'autoDelete', 'lazy', 'arguments'] as const;
const POLICY_FIELDS = ['pattern', 'definition', 'applyTo', 'priority'] as const;

function collect<K extends keyof Topology>(
  sources: readonly SourcedTopology[],
  part: K,
): Sourced<Topology[K][number]>[] {
  return sources.flatMap(({ source, topology }) => topology[part].map((declaration) => ({ source, declaration })));
}

function mergeNamed<T extends Named>(
  kind: string,
  all: readonly Sourced<T>[],
  fields: readonly string[],
  problems: Problems,
): readonly T[] {
  const byName = new Map<string, Sourced<T>[]>();
  for (const sourced of all) {
    const same = byName.get(sourced.declaration.name);
    if (same === undefined) byName.set(sourced.declaration.name, [sourced]);
    else same.push(sourced);
  }
  return Object.freeze(Array.from(byName.values(), (same) => chooseOne(kind, same, fields, problems)));
}

function chooseOne<T extends Named>(
  kind: string,
  same: readonly Sourced<T>[],
  fields: readonly string[],
  problems: Problems,
): T {
  const best = Math.max(...same.map(({ declaration }) => weight(declaration)));
  const [first, ...others] = same.filter(({ declaration }) => weight(declaration) === best);
  // `same` is never empty, so there is a first.
  let chosen = (first as Sourced<T>).declaration;
  for (const other of others) {
    const differences = differing(chosen, other.declaration, fields);
    if (differences.length > 0) {
      problems.add(
        `${kind} ${describeValue(chosen.name)} is declared differently by ${(first as Sourced<T>).source} and ${other.source}: ${differences.join('; ')}. Declare it once, or alike`,
      );
    }
    if (differences.length === 0 && saysClassic(other.declaration)) chosen = other.declaration;
  }
  return chosen;
}

/** How much a declaration says: an assumed one least, one that insists most. */
function weight(declaration: Named): number {
  if (!('declare' in declaration)) return 0;
  return (declaration.assumed === true ? 0 : 2) + (declaration.declare === 'always' ? 1 : 0);
}

/** `type: 'classic'` said and left out agree; what is said is kept, for the virtual host may have another default. */
function saysClassic(declaration: Named): boolean {
  return 'exclusive' in declaration && declaration.arguments['x-queue-type'] === 'classic';
}

function differing(one: Named, other: Named, fields: readonly string[]): string[] {
  const left = one as unknown as Readonly<Record<string, unknown>>;
  const right = other as unknown as Readonly<Record<string, unknown>>;
  return fields.flatMap((field) => {
    if (field === 'arguments' || field === 'definition') {
      return differingEntries(field, left[field] as TopologyArguments, right[field] as TopologyArguments);
    }
    return left[field] === right[field] ? [] : [contrast(field, left[field], right[field])];
  });
}

function differingEntries(field: string, left: TopologyArguments, right: TopologyArguments): string[] {
  // The type is compared as a field of its own.
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter((key) => key !== 'x-queue-type');
  return keys
    .filter((key) => !isDeepStrictEqual(left[key], right[key]))
    .map((key) => contrast(`${field}['${key}']`, left[key], right[key]));
}

function contrast(field: string, left: unknown, right: unknown): string {
  const show = (value: unknown) => (value === undefined ? 'left out' : describeValue(value));
  return `${field} is ${show(left)} in the one and ${show(right)} in the other`;
}

function mergeBindings(sources: readonly SourcedTopology[]): readonly BindingDeclaration[] {
  const byEnds = new Map<string, BindingDeclaration[]>();
  const merged: BindingDeclaration[] = [];
  for (const { declaration } of collect(sources, 'bindings')) {
    const { source, destination, destinationType, routingKey } = declaration;
    const ends = JSON.stringify([source, destination, destinationType, routingKey]);
    const same = byEnds.get(ends) ?? [];
    if (same.some((known) => isDeepStrictEqual(known.arguments, declaration.arguments))) continue;
    byEnds.set(ends, [...same, declaration]);
    merged.push(declaration);
  }
  return Object.freeze(merged);
}

/** A binding that only named its exchange assumed a headers exchange; whoever declares it may say otherwise. */
function checkHeadersBindings(merged: Topology, sources: readonly SourcedTopology[], problems: Problems): void {
  const types = new Map(merged.exchanges.map(({ name, type }) => [name, type]));
  for (const { source, declaration } of collect(sources, 'bindings')) {
    const type = types.get(declaration.source);
    if (declaration.arguments['x-match'] === undefined) continue;
    if (type === undefined || !['direct', 'topic', 'fanout'].includes(type)) continue;
    problems.add(
      `${source} binds ${declaration.destinationType} ${describeValue(declaration.destination)} by headers to exchange ${describeValue(declaration.source)}, which is declared as ${describeValue(type)}: headers have no effect there`,
    );
  }
}
