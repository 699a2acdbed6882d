import { checkFlag, isRecord } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import type { OptionsOf } from '../options/option.js';
import { customOption } from '../options/option-kinds.js';
import { type BindingOptions, resolveBinding } from './binding-options.js';
import { asList, checkObject, type RawOptions } from './check-options.js';
import { type DeadLetteredQueue, type DeadLetterOptions, resolveDeadLetter } from './dead-letter-options.js';
import { EMPTY_TOPOLOGY, mergeTopologies, type SourcedTopology } from './merge-topologies.js';
import { type QueueReference, queueOptionsOf } from './queue-builder.js';
import { QUEUE_TYPES, type ResolvedQueue, resolveQueueName, resolveQueueOptions } from './queue-options.js';
import type { QueueDeclaration, QueueType, Topology } from './topology.js';

/**
 * The part of a listener's options that says what is declared for it.
 *
 * | given | the queue is |
 * |---|---|
 * | a name, nothing else | used as it is if it exists, declared durable if it is missing |
 * | a name with `bindings`, `lazy` or `deadLetter` | declared durable; a mismatch if it exists with other properties |
 * | options or a builder | declared as they say |
 * | `declare: false` | never declared: it must exist |
 */
export interface ListenerTopologyOptions {
  /** Queue to consume from. */
  readonly queue: QueueReference;
  /** Which messages the queue gets: one binding or many. */
  readonly bindings?: BindingOptions | readonly BindingOptions[];
  /** Keep messages on disk: `x-queue-mode=lazy`, sent to brokers before 3.12 only. Classic queues. */
  readonly lazy?: boolean;
  /**
   * Where rejected messages go. `true`: an exchange `<queue>.dlx` and a queue `<queue>.dlq` are declared for them. Text:
   * the name of a dead letter exchange that is declared elsewhere. Default: nowhere; they are dropped.
   */
  readonly deadLetter?: boolean | string | DeadLetterOptions;
  /** `false`: declare nothing; the queue must exist. `true`: declare also a queue that is only named. */
  readonly declare?: boolean;
}

/** The table of {@link ListenerTopologyOptions}. What is read is looked at by {@link resolveListenerTopology}. */
export const LISTENER_TOPOLOGY_OPTIONS = {
  queue: customOption<QueueReference>({
    byDefault: 'required',
    schema: { anyOf: [{ type: 'string', minLength: 1 }, { type: 'object' }] },
    text: "a name, the queue's options, or a `QueueBuilder`",
  }),
  bindings: customOption<BindingOptions | readonly BindingOptions[]>({
    schema: { anyOf: [{ type: 'object' }, { type: 'array', items: { type: 'object' } }] },
    text: 'one or many: which messages of which exchange the queue gets',
  }),
  lazy: customOption<boolean>({
    byDefault: "broker's own",
    schema: { type: 'boolean' },
    text: '`true`: keep messages on disk; classic queues, see [topology](topology.md)',
  }),
  deadLetter: customOption<boolean | string | DeadLetterOptions>({
    byDefault: 'none: rejected messages are dropped',
    schema: { anyOf: [{ type: 'boolean' }, { type: 'string', minLength: 1 }, { type: 'object' }] },
    text: '`true` declares `<queue>.dlx` and `<queue>.dlq`; text names an exchange; an object says more',
  }),
  declare: customOption<boolean>({
    byDefault: 'see [topology](topology.md)',
    schema: { type: 'boolean' },
    text: '`false`: declare nothing, the queue must exist',
  }),
} satisfies OptionsOf<ListenerTopologyOptions>;

/** What a listener consumes from, and what is declared for it. */
export interface ResolvedListenerTopology {
  /** Name of the queue; `''` when it is at fault. */
  readonly queue: string;
  /** Its declaration as this listener asks for it. Another source may say more: look in the merged topology. */
  readonly queueDeclaration: QueueDeclaration | undefined;
  readonly topology: Topology;
}

/** Resolves what a listener says about its queue. Other options are not looked at; faults are noted in `problems`. */
export function resolveListenerTopology(
  options: ListenerTopologyOptions,
  problems: Problems,
): ResolvedListenerTopology {
  const raw: RawOptions = { ...options };
  if (raw['queue'] === undefined) {
    problems.add('queue is missing: name the queue to consume from, or give its options');
    return UNUSABLE;
  }
  const lazy = raw['lazy'] === undefined ? undefined : checkFlag(raw['lazy'], 'lazy', false, problems);
  const declare = raw['declare'] === undefined ? undefined : checkFlag(raw['declare'], 'declare', true, problems);
  const source = describeQueue(raw['queue']);
  const deadLetter = resolveDeadLetter(raw['deadLetter'], source, problems);
  const wish: QueueWish = {
    reference: raw['queue'],
    bound: asList(raw['bindings']).length > 0,
    lazy,
    declare,
    deadLetter: deadLetter && { exchange: deadLetter.exchange, routingKey: deadLetter.routingKey },
  };
  const queue = resolveQueue(wish, problems);
  if (queue === undefined) return UNUSABLE;
  if (queue.declaration === undefined) {
    checkUndeclared(raw, queue.name, problems);
    return { queue: queue.name, queueDeclaration: undefined, topology: EMPTY_TOPOLOGY };
  }
  const sources: SourcedTopology[] = [
    { source: 'queue', topology: { ...EMPTY_TOPOLOGY, queues: [queue.declaration] } },
    ...asList(raw['bindings']).map((binding, index) => ({
      source: `bindings[${index}]`,
      topology: resolveListenerBinding(binding, queue.name, problems),
    })),
    { source: 'deadLetter', topology: deadLetter?.topology ?? EMPTY_TOPOLOGY },
  ];
  const topology = mergeTopologies(sources, problems);
  return { queue: queue.name, queueDeclaration: queue.declaration, topology };
}

/** All that a listener says about its queue, dead letters decided. */
interface QueueWish {
  readonly reference: unknown;
  readonly bound: boolean;
  readonly lazy: boolean | undefined;
  readonly declare: boolean | undefined;
  readonly deadLetter: { readonly exchange: string; readonly routingKey: string | undefined } | undefined;
}

const UNUSABLE: ResolvedListenerTopology = Object.freeze({
  queue: '',
  queueDeclaration: undefined,
  topology: EMPTY_TOPOLOGY,
});

function resolveQueue(wish: QueueWish, problems: Problems): ResolvedQueue | undefined {
  const { reference } = wish;
  if (typeof reference === 'string') return resolveNamedQueue(reference, wish, problems);
  const raw = checkObject(queueOptionsOf(reference), 'queue', problems);
  if (raw === undefined) return undefined;
  const place = problems.at('queue');
  if (wish.lazy !== undefined && raw['lazy'] !== undefined && raw['lazy'] !== wish.lazy) {
    place.add(`lazy is ${describeValue(raw['lazy'])} here and ${wish.lazy} on the listener; say it once`);
  }
  if (wish.declare !== undefined && raw['declare'] !== undefined && raw['declare'] !== wish.declare) {
    place.add(`declare is ${describeValue(raw['declare'])} here and ${wish.declare} on the listener; say it once`);
  }
  if (wish.deadLetter !== undefined && namesDeadLetters(raw)) {
    place.add('deadLetterExchange and deadLetterRoutingKey contradict deadLetter of the listener; give one of them');
  }
  return resolveQueueOptions({ ...raw, ...additions(wish) }, problems);
}

function resolveNamedQueue(name: string, wish: QueueWish, problems: Problems): ResolvedQueue | undefined {
  if (name === '') {
    problems.add('the name of a queue must not be empty; for a generated one, say queue: { anonymous: true }');
    return undefined;
  }
  if (wish.declare === false || wish.lazy === true || wish.deadLetter !== undefined) {
    return resolveQueueOptions({ name, ...additions(wish) }, problems);
  }
  if (!wish.bound && wish.declare === undefined) return resolveQueueName(name, problems);
  const queue = resolveQueueOptions({ name }, problems);
  if (queue?.declaration === undefined) return queue;
  // Bindings say nothing about the queue itself: whoever gives its options elsewhere wins.
  return { ...queue, declaration: Object.freeze({ ...queue.declaration, assumed: true }) };
}

function additions(wish: QueueWish): RawOptions {
  return {
    ...(wish.lazy === undefined ? {} : { lazy: wish.lazy }),
    ...(wish.declare === undefined ? {} : { declare: wish.declare }),
    ...(wish.deadLetter === undefined ? {} : { deadLetterExchange: wish.deadLetter.exchange }),
    ...(wish.deadLetter?.routingKey === undefined ? {} : { deadLetterRoutingKey: wish.deadLetter.routingKey }),
  };
}

function resolveListenerBinding(binding: unknown, queue: string, problems: Problems): Topology {
  if (isRecord(binding) && binding['queue'] !== undefined && nameOf(binding['queue']) !== queue) {
    problems.add(
      `a binding of this listener names another queue (${describeValue(nameOf(binding['queue']))}); leave queue out of it, or declare it under the topology of the application`,
    );
    return EMPTY_TOPOLOGY;
  }
  return resolveBinding(binding, { name: queue, type: 'queue' }, problems);
}

function checkUndeclared(raw: RawOptions, queue: string, problems: Problems): void {
  const asked = [
    ...(asList(raw['bindings']).length > 0 ? ['bindings'] : []),
    ...(raw['lazy'] === true ? ['lazy'] : []),
    ...(raw['deadLetter'] === undefined || raw['deadLetter'] === false ? [] : ['deadLetter']),
  ];
  if (asked.length === 0) return;
  problems.add(
    `queue ${describeValue(queue)} is not declared (declare: false, or a name of the broker's), so ${asked.join(' and ')} would have no effect; leave ${asked.length === 1 ? 'it' : 'them'} out, or let the queue be declared`,
  );
}

function describeQueue(reference: unknown): DeadLetteredQueue {
  const raw = queueOptionsOf(reference);
  const args = isRecord(raw) && isRecord(raw['arguments']) ? raw['arguments'] : {};
  const type = isRecord(raw) ? (raw['type'] ?? args['x-queue-type']) : undefined;
  return { name: nameOf(reference), type: QUEUE_TYPES.includes(type as QueueType) ? (type as QueueType) : 'classic' };
}

function nameOf(reference: unknown): string | undefined {
  const raw = queueOptionsOf(reference);
  const name = isRecord(raw) ? raw['name'] : raw;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function namesDeadLetters(raw: RawOptions): boolean {
  const args = isRecord(raw['arguments']) ? raw['arguments'] : {};
  return [
    raw['deadLetterExchange'],
    raw['deadLetterRoutingKey'],
    args['x-dead-letter-exchange'],
    args['x-dead-letter-routing-key'],
  ].some((value) => value !== undefined);
}
