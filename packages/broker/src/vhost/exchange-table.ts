import { channelError, connectionError, noExchange } from '../errors/amqp-error.js';
import type { Queue } from '../queue/queue.js';
import { checkArgument, checkFlag } from '../queue/queue-arguments.js';
import { type Binding, Exchange, type ExchangeProperties, type ExchangeType } from '../routing/exchange.js';
import { checkMatchMode } from '../routing/headers-match.js';
import type { VersionProfile } from '../version/version-profile.js';
import { FIELD_TYPE_NAMES, type FieldTable, lookup } from '../wire/field-table.js';
import type { PolicyTable } from './policy-table.js';

const PREDECLARED: readonly (readonly [string, ExchangeType, boolean])[] = [
  ['', 'direct', false],
  ['amq.direct', 'direct', false],
  ['amq.fanout', 'fanout', false],
  ['amq.topic', 'topic', false],
  ['amq.headers', 'headers', false],
  ['amq.match', 'headers', false],
  ['amq.rabbitmq.trace', 'topic', true],
];

const EXCHANGE_TYPES: readonly string[] = ['direct', 'fanout', 'topic', 'headers'];

/** An exchange as a client asks for it. */
export type WantedExchange = Omit<ExchangeProperties, 'type'> & { readonly type: string };

/** The exchanges of a virtual host with their bindings; what may not be done to them is refused as RabbitMQ does. */
export class ExchangeTable {
  /** Rises with every change of exchanges, queues, bindings or policies. */
  version = 0;
  readonly #vhost: string;
  readonly #profile: VersionProfile;
  readonly #policies: PolicyTable;
  readonly #exchanges = new Map<string, Exchange<Queue>>();

  constructor(vhost: string, profile: VersionProfile, policies: PolicyTable) {
    this.#vhost = vhost;
    this.#profile = profile;
    this.#policies = policies;
    for (const [name, type, internal] of PREDECLARED) {
      this.#exchanges.set(
        name,
        new Exchange({ name, type, durable: true, autoDelete: false, internal, arguments: [] }),
      );
    }
  }

  [Symbol.iterator](): Iterator<Exchange<Queue>> {
    return this.#exchanges.values();
  }

  get(name: string): Exchange<Queue> | undefined {
    return this.#exchanges.get(name);
  }

  /** @throws {AmqpError} 404 when it is not there */
  require(name: string): Exchange<Queue> {
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) throw noExchange(name, this.#vhost);
    return exchange;
  }

  /**
   * exchange.declare.
   *
   * @throws {AmqpError} 403, 406, or the refusal of an unknown type
   */
  declare(wanted: WantedExchange): void {
    const type = this.#checkType(wanted.type);
    this.checkNotDefault(wanted.name);
    const current = this.#exchanges.get(wanted.name);
    if (current !== undefined) {
      checkEquivalence(current, wanted, this.#describe(wanted.name));
      return;
    }
    if (wanted.name.startsWith('amq.')) {
      throw channelError(403, `exchange name '${wanted.name}' contains reserved prefix 'amq.*'`);
    }
    const alternate = lookup(wanted.arguments, 'alternate-exchange');
    if (alternate !== undefined && alternate.tag !== 'S') {
      const resource = this.#describe(wanted.name);
      throw channelError(
        406,
        `invalid type '${FIELD_TYPE_NAMES[alternate.tag]}' for arg 'alternate-exchange' in ${resource}`,
      );
    }
    const exchange = new Exchange<Queue>({ ...wanted, type });
    this.#exchanges.set(wanted.name, exchange);
    this.#applyPolicy(exchange);
    this.version++;
  }

  /** exchange.declare passive. */
  check(name: string): void {
    this.checkNotDefault(name);
    this.require(name);
  }

  /** @throws {AmqpError} 403 for the default exchange, which cannot be bound, declared or deleted */
  checkNotDefault(name: string): void {
    if (name === '') throw channelError(403, 'operation not permitted on the default exchange');
  }

  /** @throws {AmqpError} 403 for exchanges that are always there */
  checkDeletable(name: string): void {
    this.checkNotDefault(name);
    if (name.startsWith('amq.')) {
      throw channelError(403, `deletion of system exchange '${name}' in vhost '${this.#vhost}' not allowed`);
    }
  }

  /** exchange.delete; a missing one is no mistake. */
  delete(name: string, ifUnused: boolean): void {
    this.checkDeletable(name);
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) return;
    if (ifUnused && exchange.bindingCount > 0) throw channelError(406, `${this.#describe(name)} in use`);
    this.#remove(exchange);
  }

  /** queue.bind and exchange.bind. */
  bind(source: string, destination: Queue | Exchange<Queue>, routingKey: string, bindingArguments: FieldTable): void {
    this.checkNotDefault(source);
    const exchange = this.require(source);
    if (exchange.type === 'headers') checkMatchMode(bindingArguments);
    exchange.bind(destination, routingKey, bindingArguments);
    this.version++;
  }

  /** queue.unbind and exchange.unbind; what is not there is no mistake. */
  unbind(
    source: string,
    destination: Queue | Exchange<Queue> | undefined,
    routingKey: string,
    bindingArguments: FieldTable,
  ): void {
    this.checkNotDefault(source);
    const exchange = this.#exchanges.get(source);
    if (exchange === undefined || destination === undefined) return;
    if (!exchange.unbind(destination, routingKey, bindingArguments)) return;
    this.version++;
    this.#removeIfUnused(exchange);
  }

  /** Bindings to a destination, without the implied ones of the default exchange. */
  *bindingsTo(destination: Queue | Exchange<Queue>): Iterable<Binding<Queue>> {
    for (const exchange of this.#exchanges.values()) {
      for (const binding of exchange.bindings) if (binding.destination === destination) yield binding;
    }
  }

  /** Removes every binding to a queue or exchange that goes. */
  removeBindingsTo(destination: Queue | Exchange<Queue>): void {
    for (const binding of [...this.bindingsTo(destination)]) {
      binding.source.remove(binding);
      this.#removeIfUnused(binding.source);
    }
  }

  /** Puts the alternate exchanges in force that policies name. */
  applyPolicies(): void {
    for (const exchange of this.#exchanges.values()) this.#applyPolicy(exchange);
  }

  /** Removes what is not durable. */
  removeTransient(): void {
    for (const exchange of [...this.#exchanges.values()]) if (!exchange.durable) this.#remove(exchange);
  }

  #checkType(type: string): ExchangeType {
    if (EXCHANGE_TYPES.includes(type)) return type as ExchangeType;
    if (type === 'x-local-random' && this.#profile.localRandomExchange) return type;
    const text = `${this.#profile.unknownExchangeTypes.includes(type) ? 'unknown' : 'invalid'} exchange type '${type}'`;
    if (this.#profile.unknownExchangeTypeScope === 'connection') throw connectionError(503, text);
    throw channelError(406, text);
  }

  #describe(name: string): string {
    return `exchange '${name}' in vhost '${this.#vhost}'`;
  }

  #remove(exchange: Exchange<Queue>): void {
    this.#exchanges.delete(exchange.name);
    this.version++;
    for (const binding of [...exchange.bindings]) exchange.remove(binding);
    this.removeBindingsTo(exchange);
  }

  /** An auto-delete exchange goes with its last binding; one never bound stays. */
  #removeIfUnused(exchange: Exchange<Queue>): void {
    const current = this.#exchanges.get(exchange.name) === exchange;
    if (current && exchange.autoDelete && exchange.bindingCount === 0) this.#remove(exchange);
  }

  #applyPolicy(exchange: Exchange<Queue>): void {
    const own = lookup(exchange.arguments, 'alternate-exchange')?.value;
    const policy = this.#policies.inForce(exchange.name, 'exchange');
    const alternate = own ?? policy?.definition['alternate-exchange'];
    exchange.alternate = typeof alternate === 'string' ? alternate : undefined;
  }
}

function checkEquivalence(current: Exchange<Queue>, wanted: WantedExchange, resource: string): void {
  if (current.type !== wanted.type) {
    throw channelError(
      406,
      `inequivalent arg 'type' for ${resource}: received '${wanted.type}' but current is '${current.type}'`,
    );
  }
  checkFlag('durable', current.durable, wanted.durable, resource);
  checkFlag('auto_delete', current.autoDelete, wanted.autoDelete, resource);
  checkFlag('internal', current.internal, wanted.internal, resource);
  checkArgument('alternate-exchange', current.arguments, wanted.arguments, resource);
}
