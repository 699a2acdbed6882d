import { checkKnown } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import {
  asList,
  checkArguments,
  checkObject,
  checkOptionalOneOf,
  checkShortString,
  checkTable,
  type RawOptions,
} from './check-options.js';
import { type ExchangeReference, exchangeOptionsOf } from './exchange-builder.js';
import { type ResolvedExchange, resolveExchangeName, resolveExchangeOptions } from './exchange-options.js';
import type { QueueReference } from './queue-builder.js';
import type { BindingDeclaration, Topology, TopologyArguments } from './topology.js';

/**
 * How headers of a message are compared with those of a binding: all or any of them; headers whose names start with
 * `x-` are left out of the comparison unless it is `all-with-x` or `any-with-x`.
 * @see https://www.rabbitmq.com/docs/exchanges#headers
 */
export type HeadersMatch = 'all' | 'any' | 'all-with-x' | 'any-with-x';

/**
 * Which messages of an exchange a queue gets. One binding for each routing key.
 * @see https://www.rabbitmq.com/tutorials/amqp-concepts#bindings
 */
export interface BindingOptions {
  /**
   * Where messages come from. Only named, it is declared durable and direct (headers, when `headers` are given) if it
   * is missing and nothing else declares it; with options, it is declared as they say.
   */
  readonly exchange: ExchangeReference;
  /** One or many. Left out for fanout and headers exchanges. */
  readonly routingKey?: string | readonly string[];
  /** Headers exchanges: what a message must carry. `null` means that the header is there, whatever its value. */
  readonly headers?: Readonly<Record<string, unknown>>;
  /** How `headers` are compared. Default `all`. */
  readonly match?: HeadersMatch;
  /** Further arguments, for exchanges of plugins. */
  readonly arguments?: TopologyArguments;
  /** Exchanges whose messages flow into `exchange`: exchange-to-exchange bindings. */
  readonly from?: BindingOptions | readonly BindingOptions[];
}

/** A binding that stands by itself: of a queue, or (without one) of `exchange` to the exchanges under `from`. */
export interface DeclaredBindingOptions extends BindingOptions {
  /** Only named, it is declared durable if it is missing and nothing else declares it. */
  readonly queue?: QueueReference;
}

const KNOWN_OPTIONS = ['exchange', 'routingKey', 'headers', 'match', 'arguments', 'from', 'queue'];
const MATCHES: readonly HeadersMatch[] = ['all', 'any', 'all-with-x', 'any-with-x'];

/** What a binding goes to. */
export interface BindingDestination {
  readonly name: string;
  readonly type: 'queue' | 'exchange';
}

/** The bindings and exchanges of one binding option, in the order to declare them. */
export function resolveBinding(options: unknown, destination: BindingDestination, problems: Problems): Topology {
  const raw = checkObject(options, 'a binding', problems);
  if (raw === undefined) return NOTHING;
  const here = problems.at(`binding of ${destination.type} ${describeValue(destination.name)}`);
  checkKnown(raw, KNOWN_OPTIONS, 'a binding', here);
  const exchange = resolveBoundExchange(raw, here);
  if (exchange === undefined) return NOTHING;
  const place = here.at(`exchange ${describeValue(exchange.name)}`);
  if (exchange.name === '') {
    place.add(
      'nothing can be bound to the default exchange: it routes to every queue by its name; leave the binding out',
    );
    return NOTHING;
  }
  const from = resolveFrom(raw, exchange, here);
  const args = resolveArguments(raw, exchange, place);
  const keys = resolveKeys(raw, exchange, place);
  const bindings: BindingDeclaration[] = keys.map((routingKey) =>
    Object.freeze({
      source: exchange.name,
      destination: destination.name,
      destinationType: destination.type,
      routingKey,
      arguments: args,
    }),
  );
  return {
    exchanges: [...from.exchanges, ...(exchange.declaration === undefined ? [] : [exchange.declaration])],
    queues: [],
    bindings: [...from.bindings, ...bindings],
    policies: [],
  };
}

/** The exchange-to-exchange bindings of an option without a queue. */
export function resolveExchangeBinding(options: RawOptions, problems: Problems): Topology {
  const here = problems.at('binding without a queue');
  checkKnown(options, KNOWN_OPTIONS, 'a binding', here);
  const exchange = resolveBoundExchange(options, here);
  if (exchange === undefined) return NOTHING;
  const place = here.at(`exchange ${describeValue(exchange.name)}`);
  const misplaced = ['routingKey', 'headers', 'match', 'arguments'].filter((key) => options[key] !== undefined);
  if (options['from'] === undefined) {
    place.add('say which queue is bound (queue), or which exchange it takes messages from (from)');
  } else if (misplaced.length > 0) {
    place.add(`${misplaced.join(', ')} belong into from, to the exchange that the messages come from`);
  }
  if (exchange.name === '') place.add('the default exchange cannot be bound to another');
  const from = resolveFrom(options, exchange, here);
  return {
    exchanges: [...from.exchanges, ...(exchange.declaration === undefined ? [] : [exchange.declaration])],
    queues: [],
    bindings: from.bindings,
    policies: [],
  };
}

const NOTHING: Topology = Object.freeze({ exchanges: [], queues: [], bindings: [], policies: [] });

function resolveBoundExchange(raw: RawOptions, problems: Problems): ResolvedExchange | undefined {
  const reference = raw['exchange'];
  if (reference === undefined) {
    problems.add('exchange is missing: name the exchange that messages come from');
    return undefined;
  }
  if (typeof reference === 'string') {
    return resolveExchangeName(reference, raw['headers'] === undefined ? 'direct' : 'headers', problems);
  }
  return resolveExchangeOptions(exchangeOptionsOf(reference), problems);
}

function resolveFrom(raw: RawOptions, exchange: ResolvedExchange, problems: Problems): Topology {
  const parts = asList(raw['from']).map((from) =>
    resolveBinding(from, { name: exchange.name, type: 'exchange' }, problems),
  );
  return {
    exchanges: parts.flatMap((part) => part.exchanges),
    queues: [],
    bindings: parts.flatMap((part) => part.bindings),
    policies: [],
  };
}

function resolveKeys(raw: RawOptions, exchange: ResolvedExchange, problems: Problems): readonly string[] {
  const { routing } = exchange;
  if (raw['routingKey'] === undefined) {
    if ((routing === 'direct' || routing === 'topic') && raw['headers'] === undefined) {
      problems.add(
        `routingKey is missing: a ${routing} exchange routes by it. Give one or many ('' for messages without a key)`,
      );
    }
    return [''];
  }
  const keys = asList(raw['routingKey']);
  if (keys.length === 0) problems.add('routingKey is an empty list: nothing would be bound');
  const valid = keys.filter((key): key is string => checkShortString(key, 'routingKey', problems));
  if (
    (routing === 'fanout' || routing === 'headers' || raw['headers'] !== undefined) &&
    valid.some((key) => key !== '')
  ) {
    problems.add(`routingKey has no effect on a ${routing ?? 'headers'} exchange: leave it out`);
  }
  return [...new Set(valid)];
}

function resolveArguments(raw: RawOptions, exchange: ResolvedExchange, problems: Problems): TopologyArguments {
  const given = checkArguments(raw, problems);
  if (raw['headers'] === undefined) {
    if (raw['match'] !== undefined) problems.add('match needs headers to compare with');
    return Object.freeze(given);
  }
  const headers = checkObject(raw['headers'], 'headers', problems) ?? {};
  const match = checkOptionalOneOf(raw['match'], 'match', MATCHES, problems) ?? 'all';
  if (exchange.routing !== undefined && exchange.routing !== 'headers') {
    problems.add(`headers have no effect on a ${exchange.routing} exchange; use one of type 'headers', or routingKey`);
  }
  if (Object.keys(headers).length === 0) problems.add('headers is empty: say which headers a message must carry');
  if (Object.hasOwn(headers, 'x-match')) problems.add('x-match is not a header to compare: use the option match');
  const empty = Object.keys(headers).filter((name) => headers[name] === undefined);
  if (empty.length > 0) problems.add(`headers ${empty.join(', ')} are undefined; null means that a header is there`);
  checkHidden(headers, match, problems);
  return Object.freeze({ ...given, ...checkTable(headers, 'headers', problems), 'x-match': match });
}

function checkHidden(headers: RawOptions, match: HeadersMatch, problems: Problems): void {
  if (match === 'all-with-x' || match === 'any-with-x') return;
  const hidden = Object.keys(headers).filter((name) => name.startsWith('x-') && name !== 'x-match');
  if (hidden.length === 0) return;
  problems.add(
    `match '${match}' skips headers whose names start with 'x-' (${hidden.join(', ')}); use '${match}-with-x'`,
  );
}
