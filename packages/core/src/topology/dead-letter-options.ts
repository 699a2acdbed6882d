import { checkKnown } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import { checkName, checkObject, checkShortString, type RawOptions } from './check-options.js';
import { type ExchangeReference, exchangeOptionsOf } from './exchange-builder.js';
import { type ResolvedExchange, resolveExchangeName, resolveExchangeOptions } from './exchange-options.js';
import { EMPTY_TOPOLOGY } from './merge-topologies.js';
import { type QueueReference, queueOptionsOf } from './queue-builder.js';
import { type ResolvedQueue, resolveQueueName, resolveQueueOptions } from './queue-options.js';
import type { QueueType, Topology } from './topology.js';

/**
 * Where the messages go that a listener rejects.
 * @see https://www.rabbitmq.com/docs/dlx
 */
export interface DeadLetterOptions {
  /**
   * Dead letter exchange. Default `<queue>.dlx`, direct and durable. Only named, it is declared if it is missing (not at
   * all with `queue: false`). `''` is the default exchange, which leads straight to the dead letter queue.
   */
  readonly exchange?: ExchangeReference;
  /** Routing key of dead letters. Default: the name of the listener's queue; with `queue: false`, the key they had. */
  readonly routingKey?: string;
  /**
   * Dead letter queue, bound to the exchange. Default `<queue>.dlq`, durable, and a quorum queue if the listener's is
   * one. Only named, it is declared durable if it is missing. `false`: declared and bound by somebody else.
   */
  readonly queue?: QueueReference | false;
}

/** What dead-lettering adds to a queue, and what is declared for it. */
export interface ResolvedDeadLetter {
  readonly exchange: string;
  readonly routingKey: string | undefined;
  readonly topology: Topology;
}

/** The listener's queue, as far as it is known before it is resolved. */
export interface DeadLetteredQueue {
  /** `undefined` when the name is generated. */
  readonly name: string | undefined;
  readonly type: QueueType;
}

const KNOWN_OPTIONS = ['exchange', 'routingKey', 'queue'];

/** Resolves `deadLetter`; `undefined` when it is left out, `false`, or (with faults) unusable. */
export function resolveDeadLetter(
  deadLetter: unknown,
  source: DeadLetteredQueue,
  problems: Problems,
): ResolvedDeadLetter | undefined {
  if (deadLetter === undefined || deadLetter === false) return undefined;
  const here = problems.at('deadLetter');
  if (typeof deadLetter === 'string') {
    if (deadLetter === '') {
      here.add(
        "the default exchange routes by the name of a queue; say which one: { exchange: '', queue: 'orders.dlq' }",
      );
      return undefined;
    }
    const named = checkShortString(deadLetter, 'the dead letter exchange', here);
    return named ? { exchange: deadLetter, routingKey: undefined, topology: EMPTY_TOPOLOGY } : undefined;
  }
  const raw = deadLetter === true ? {} : checkObject(deadLetter, 'deadLetter', problems);
  if (raw === undefined) return undefined;
  checkKnown(raw, KNOWN_OPTIONS, 'deadLetter', here);
  if (raw['routingKey'] !== undefined && !checkShortString(raw['routingKey'], 'routingKey', here)) return undefined;
  return resolveParts(raw, source, here);
}

function resolveParts(raw: RawOptions, source: DeadLetteredQueue, problems: Problems): ResolvedDeadLetter | undefined {
  if (source.name === undefined && (raw['exchange'] === undefined || raw['queue'] === undefined)) {
    problems.add(
      'a queue with a generated name has another one at each start; say which exchange and queue take its dead letters',
    );
    return undefined;
  }
  const givenKey = raw['routingKey'] as string | undefined;
  if (raw['queue'] === false) return withoutQueue(raw, givenKey, problems);
  const queue = resolveDeadLetterQueue(raw, source, problems);
  if (queue === undefined) return undefined;
  if (raw['exchange'] === '') return throughDefaultExchange(queue, givenKey, problems);
  const exchange = resolveDeadLetterExchange(raw, source, problems);
  if (exchange === undefined) return undefined;
  const keyed = exchange.routing !== 'fanout' && exchange.routing !== 'headers';
  // A generated name says nothing to whoever reads dead letters; their own routing key does.
  const routingKey = givenKey ?? (keyed ? (source.name ?? queue.name) : undefined);
  const binding = Object.freeze({
    source: exchange.name,
    destination: queue.name,
    destinationType: 'queue' as const,
    routingKey: keyed ? (routingKey ?? '') : '',
    arguments: Object.freeze({}),
  });
  return {
    exchange: exchange.name,
    routingKey,
    topology: {
      exchanges: exchange.declaration === undefined ? [] : [exchange.declaration],
      queues: queue.declaration === undefined ? [] : [queue.declaration],
      bindings: [binding],
      policies: [],
    },
  };
}

function withoutQueue(
  raw: RawOptions,
  routingKey: string | undefined,
  problems: Problems,
): ResolvedDeadLetter | undefined {
  const reference = raw['exchange'];
  if (reference === undefined) {
    problems.add('queue: false needs an exchange: name the one that leads to a queue declared elsewhere');
    return undefined;
  }
  if (typeof reference === 'string') {
    const named =
      reference === ''
        ? checkName(routingKey, 'routingKey (the name of a queue)', problems)
        : checkShortString(reference, 'exchange', problems);
    return named ? { exchange: reference, routingKey, topology: EMPTY_TOPOLOGY } : undefined;
  }
  const exchange = resolveExchangeOptions(exchangeOptionsOf(reference), problems);
  if (exchange === undefined) return undefined;
  const exchanges = exchange.declaration === undefined ? [] : [exchange.declaration];
  return { exchange: exchange.name, routingKey, topology: { ...EMPTY_TOPOLOGY, exchanges } };
}

function throughDefaultExchange(
  queue: ResolvedQueue,
  givenKey: string | undefined,
  problems: Problems,
): ResolvedDeadLetter {
  if (givenKey !== undefined && givenKey !== queue.name) {
    problems.add(
      `routingKey ${describeValue(givenKey)} does not lead to queue ${describeValue(queue.name)}: the default exchange routes by the name of a queue; leave it out`,
    );
  }
  const queues = queue.declaration === undefined ? [] : [queue.declaration];
  return { exchange: '', routingKey: queue.name, topology: { ...EMPTY_TOPOLOGY, queues } };
}

function resolveDeadLetterQueue(
  raw: RawOptions,
  source: DeadLetteredQueue,
  problems: Problems,
): ResolvedQueue | undefined {
  const reference = raw['queue'];
  if (typeof reference === 'string') return resolveQueueName(reference, problems);
  if (reference !== undefined) return resolveQueueOptions(queueOptionsOf(reference), problems);
  const type = source.type === 'quorum' ? { type: 'quorum' } : {};
  return resolveQueueOptions({ name: `${source.name}.dlq`, ...type }, problems);
}

function resolveDeadLetterExchange(
  raw: RawOptions,
  source: DeadLetteredQueue,
  problems: Problems,
): ResolvedExchange | undefined {
  const reference = raw['exchange'];
  if (reference === undefined) return resolveExchangeOptions({ name: `${source.name}.dlx` }, problems);
  if (typeof reference === 'string') return resolveExchangeName(reference, 'direct', problems);
  return resolveExchangeOptions(exchangeOptionsOf(reference), problems);
}
