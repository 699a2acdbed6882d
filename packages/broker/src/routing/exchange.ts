import { encodeTable } from '../wire/encode-table.js';
import type { FieldTable } from '../wire/field-table.js';
import { headersMatch } from './headers-match.js';
import { TopicMatcher } from './topic-matcher.js';

/** The exchange types that may be declared; `x-local-random` only from 4.0 on. */
export type ExchangeType = 'direct' | 'fanout' | 'topic' | 'headers' | 'x-local-random';

/** What a queue is to routing: something with a name. */
export interface RouteTarget {
  readonly name: string;
}

/** A binding from an exchange to a queue or another exchange. */
export interface Binding<Q extends RouteTarget> {
  readonly source: Exchange<Q>;
  readonly destination: Q | Exchange<Q>;
  readonly routingKey: string;
  readonly arguments: FieldTable;
  /** Two bindings with the same identity are one. */
  readonly identity: string;
}

/** How an exchange was declared. */
export interface ExchangeProperties {
  readonly name: string;
  readonly type: ExchangeType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
}

/** An exchange with its outgoing bindings, indexed for its type. */
export class Exchange<Q extends RouteTarget> {
  readonly name: string;
  readonly type: ExchangeType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
  /** The alternate exchange in force (argument, else policy), by name. */
  alternate: string | undefined;
  /** Results of earlier routing by key; dropped whenever the topology of the virtual host changes. */
  readonly routes = new Map<string, readonly Q[]>();
  /** The topology the cached routes belong to. */
  routesVersion = -1;
  /** Messages that came in, for inspection. */
  published = 0;
  readonly #bindings = new Map<string, Binding<Q>>();
  readonly #byKey = new Map<string, Set<Binding<Q>>>();
  readonly #topics = new TopicMatcher<Binding<Q>>();

  constructor(properties: ExchangeProperties) {
    this.name = properties.name;
    this.type = properties.type;
    this.durable = properties.durable;
    this.autoDelete = properties.autoDelete;
    this.internal = properties.internal;
    this.arguments = properties.arguments;
  }

  get bindings(): Iterable<Binding<Q>> {
    return this.#bindings.values();
  }

  get bindingCount(): number {
    return this.#bindings.size;
  }

  /** Adds a binding; one that is there already is left as it is. */
  bind(destination: Q | Exchange<Q>, routingKey: string, bindingArguments: FieldTable): Binding<Q> {
    const identity = bindingIdentity(destination, routingKey, bindingArguments);
    const existing = this.#bindings.get(identity);
    if (existing !== undefined) return existing;
    const binding = { source: this, destination, routingKey, arguments: bindingArguments, identity };
    this.#bindings.set(identity, binding);
    if (this.type === 'topic') this.#topics.add(routingKey, binding);
    else if (this.type === 'direct') {
      const bound = this.#byKey.get(routingKey);
      if (bound === undefined) this.#byKey.set(routingKey, new Set([binding]));
      else bound.add(binding);
    }
    return binding;
  }

  /** Whether this binding is there. */
  has(destination: Q | Exchange<Q>, routingKey: string, bindingArguments: FieldTable): boolean {
    return this.#bindings.has(bindingIdentity(destination, routingKey, bindingArguments));
  }

  /** Removes a binding; `false` when there was none. */
  unbind(destination: Q | Exchange<Q>, routingKey: string, bindingArguments: FieldTable): boolean {
    const binding = this.#bindings.get(bindingIdentity(destination, routingKey, bindingArguments));
    if (binding === undefined) return false;
    this.remove(binding);
    return true;
  }

  remove(binding: Binding<Q>): void {
    this.#bindings.delete(binding.identity);
    if (this.type === 'topic') this.#topics.remove(binding.routingKey, binding);
    else if (this.type === 'direct') {
      const bound = this.#byKey.get(binding.routingKey);
      bound?.delete(binding);
      if (bound?.size === 0) this.#byKey.delete(binding.routingKey);
    }
  }

  /** Calls `found` with every destination this exchange itself sends the message to. */
  match(
    routingKey: string,
    headers: () => FieldTable,
    floatsEqualIntegers: boolean,
    found: (destination: Q | Exchange<Q>) => void,
  ): void {
    switch (this.type) {
      case 'direct':
        for (const binding of this.#byKey.get(routingKey) ?? []) found(binding.destination);
        return;
      case 'fanout':
        for (const binding of this.#bindings.values()) found(binding.destination);
        return;
      case 'topic':
        this.#topics.match(routingKey, (binding) => found(binding.destination));
        return;
      case 'headers':
        for (const binding of this.#bindings.values()) {
          if (headersMatch(binding.arguments, headers(), floatsEqualIntegers)) found(binding.destination);
        }
        return;
      default: {
        const all = [...this.#bindings.values()];
        const chosen = all[Math.floor(Math.random() * all.length)];
        if (chosen !== undefined) found(chosen.destination);
      }
    }
  }
}

function bindingIdentity(destination: RouteTarget, routingKey: string, bindingArguments: FieldTable): string {
  const kind = destination instanceof Exchange ? 'exchange' : 'queue';
  const encoded = bindingArguments.length === 0 ? '' : encodeTable(sorted(bindingArguments)).toString('latin1');
  return `${kind}\0${destination.name}\0${routingKey}\0${encoded}`;
}

function sorted(table: FieldTable): FieldTable {
  return [...table].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
