import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock/virtual-clock.js';
import { type AmqpError, channelError, connectionError, noExchange, noQueue } from '../errors/amqp-error.js';
import type { DeathReason, Message } from '../queue/message.js';
import { Queue } from '../queue/queue.js';
import {
  checkArgument,
  checkFlag,
  checkQueueArguments,
  checkQueueEquivalence,
  completeArguments,
  type QueueProperties,
  queueTypeOf,
} from '../queue/queue-arguments.js';
import type { QueueHost } from '../queue/queue-host.js';
import { resolveSettings } from '../queue/queue-settings.js';
import { type Binding, Exchange, type ExchangeProperties, type ExchangeType } from '../routing/exchange.js';
import { checkMatchMode } from '../routing/headers-match.js';
import { type RoutingTable, route } from '../routing/router.js';
import type { VersionProfile } from '../version/version-profile.js';
import { FIELD_TYPE_NAMES, type FieldTable, lookup } from '../wire/field-table.js';
import { readHeaders } from '../wire/properties.js';
import { makeDeadLetter } from './dead-letter.js';
import { makePolicy, type Policy, type PolicyRequest, policyFor } from './policy.js';

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

/** What became of a publish. */
export interface PublishResult {
  /** How many queues the message was routed to. */
  readonly routed: number;
  /** Whether one of them refused it: the publish is then nacked. */
  readonly refused: boolean;
}

const UNROUTED: PublishResult = { routed: 0, refused: false };

/**
 * A virtual host: exchanges, queues, bindings and policies, and the ways of a message between them. It knows nothing of
 * connections; refusals are thrown as {@link AmqpError}.
 */
export class VirtualHost implements QueueHost, RoutingTable<Queue> {
  readonly name: string;
  readonly clock: Clock;
  readonly profile: VersionProfile;
  topologyVersion = 0;
  /** Everything published from now on arrives twice. */
  #duplicates = false;
  readonly #exchanges = new Map<string, Exchange<Queue>>();
  readonly #queues = new Map<string, Queue>();
  readonly #policies = new Map<string, Policy>();
  #deadLetters: { queue: Queue; message: Message; reason: DeathReason }[] = [];
  #settling = false;

  constructor(name: string, clock: Clock, profile: VersionProfile) {
    this.name = name;
    this.clock = clock;
    this.profile = profile;
    for (const [exchange, type, internal] of PREDECLARED) {
      const properties = { name: exchange, type, durable: true, autoDelete: false, internal, arguments: [] };
      this.#exchanges.set(exchange, new Exchange(properties));
    }
  }

  get floatsEqualIntegers(): boolean {
    return this.profile.floatsEqualIntegers;
  }

  get exchanges(): Iterable<Exchange<Queue>> {
    return this.#exchanges.values();
  }

  get queues(): Iterable<Queue> {
    return this.#queues.values();
  }

  get policies(): Iterable<Policy> {
    return this.#policies.values();
  }

  exchange(name: string): Exchange<Queue> | undefined {
    return this.#exchanges.get(name);
  }

  queue(name: string): Queue | undefined {
    return this.#queues.get(name);
  }

  /** Bindings to a destination, without the implied ones of the default exchange. */
  *bindingsTo(destination: Queue | Exchange<Queue>): Iterable<Binding<Queue>> {
    for (const exchange of this.#exchanges.values()) {
      for (const binding of exchange.bindings) if (binding.destination === destination) yield binding;
    }
  }

  /** Makes everything published from now on arrive twice, or ends that. */
  deliverTwice(on: boolean): void {
    this.#duplicates = on;
    for (const queue of this.#queues.values()) queue.duplicates = on;
  }

  /** @throws {AmqpError} 404 when it is not there */
  requireExchange(name: string): Exchange<Queue> {
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) throw noExchange(name, this.name);
    return exchange;
  }

  /**
   * Finds a queue for a connection.
   *
   * @throws {AmqpError} 404 when it is not there, 405 when another connection owns it
   */
  requireQueue(name: string, owner: object): Queue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw noQueue(name, this.name);
    this.#checkOwner(queue, owner);
    return queue;
  }

  /**
   * exchange.declare.
   *
   * @throws {AmqpError} 403, 406, or the refusal of an unknown type
   */
  declareExchange(wanted: Omit<ExchangeProperties, 'type'> & { readonly type: string }): void {
    const type = this.#checkExchangeType(wanted.type);
    this.#checkNotDefault(wanted.name);
    const current = this.#exchanges.get(wanted.name);
    if (current !== undefined) {
      checkExchangeEquivalence(current, wanted, this.#describeExchange(wanted.name));
      return;
    }
    if (wanted.name.startsWith('amq.')) {
      throw channelError(403, `exchange name '${wanted.name}' contains reserved prefix 'amq.*'`);
    }
    const alternate = lookup(wanted.arguments, 'alternate-exchange');
    if (alternate !== undefined && alternate.tag !== 'S') {
      const resource = `exchange '${wanted.name}' in vhost '${this.name}'`;
      throw channelError(
        406,
        `invalid type '${FIELD_TYPE_NAMES[alternate.tag]}' for arg 'alternate-exchange' in ${resource}`,
      );
    }
    const exchange = new Exchange<Queue>({ ...wanted, type });
    this.#exchanges.set(wanted.name, exchange);
    this.#applyPolicyToExchange(exchange);
    this.topologyVersion++;
  }

  /** exchange.declare passive. */
  checkExchange(name: string): void {
    this.#checkNotDefault(name);
    this.requireExchange(name);
  }

  /** @throws {AmqpError} 403 for exchanges that are always there */
  checkDeletable(name: string): void {
    this.#checkNotDefault(name);
    if (name.startsWith('amq.')) {
      throw channelError(403, `deletion of system exchange '${name}' in vhost '${this.name}' not allowed`);
    }
  }

  /** exchange.delete; a missing one is no mistake. */
  deleteExchange(name: string, ifUnused: boolean): void {
    this.checkDeletable(name);
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) return;
    if (ifUnused && exchange.bindingCount > 0) throw channelError(406, `${this.#describeExchange(name)} in use`);
    this.#removeExchange(exchange);
  }

  /** queue.bind and exchange.bind. */
  bind(source: string, destination: Queue | Exchange<Queue>, routingKey: string, bindingArguments: FieldTable): void {
    this.#checkNotDefault(source);
    const exchange = this.requireExchange(source);
    if (exchange.type === 'headers') checkMatchMode(bindingArguments);
    exchange.bind(destination, routingKey, bindingArguments);
    this.topologyVersion++;
  }

  /** queue.unbind and exchange.unbind; what is not there is no mistake. */
  unbind(
    source: string,
    destination: Queue | Exchange<Queue> | undefined,
    routingKey: string,
    bindingArguments: FieldTable,
  ): void {
    this.#checkNotDefault(source);
    const exchange = this.#exchanges.get(source);
    if (exchange === undefined || destination === undefined) return;
    if (!exchange.unbind(destination, routingKey, bindingArguments)) return;
    this.topologyVersion++;
    this.#removeIfUnused(exchange);
  }

  /**
   * queue.unbind; what is not there is no mistake.
   *
   * @throws {AmqpError} 405 when the binding is there and its queue belongs to another connection
   */
  unbindQueue(source: string, queue: string, routingKey: string, bindingArguments: FieldTable, owner: object): void {
    const destination = this.#queues.get(queue);
    const exchange = this.#exchanges.get(source);
    const bound = destination !== undefined && exchange?.has(destination, routingKey, bindingArguments) === true;
    if (bound) this.#checkOwner(destination, owner);
    this.unbind(source, destination, routingKey, bindingArguments);
  }

  /** @throws {AmqpError} 403 for the default exchange, which cannot be bound, declared or deleted */
  checkNotDefaultExchange(name: string): void {
    this.#checkNotDefault(name);
  }

  /**
   * queue.declare.
   *
   * @param name empty for one made by the server
   * @param owner the connection, for exclusive queues
   * @throws {AmqpError} 403, 405, 406
   */
  declareQueue(name: string, wanted: QueueProperties, owner: object): Queue {
    const completed = { ...wanted, arguments: completeArguments(wanted.arguments, this.profile) };
    const current = name === '' ? undefined : this.#queues.get(name);
    if (current !== undefined) {
      this.#checkOwner(current, owner);
      if ((current.owner !== undefined) !== wanted.exclusive) throw lockedError(current);
      const properties = { ...current, exclusive: current.owner !== undefined };
      checkQueueEquivalence(properties, completed, current.description);
      current.touch();
      return current;
    }
    if (name.startsWith('amq.')) throw channelError(403, `queue name '${name}' contains reserved prefix 'amq.*'`);
    const type = queueTypeOf(completed.arguments);
    if (name === '' && type !== 'classic') {
      throw channelError(406, `Cannot declare a server-named queue for type rabbit_${type}_queue`);
    }
    const finalName = name === '' ? `amq.gen-${randomBytes(16).toString('base64url')}` : name;
    checkQueueArguments(completed, `queue '${finalName}' in vhost '${this.name}'`, this.profile);
    const declaration = {
      name: finalName,
      vhost: this.name,
      type,
      durable: wanted.durable,
      autoDelete: wanted.autoDelete,
      owner: wanted.exclusive ? owner : undefined,
      arguments: completed.arguments,
    };
    const policy = policyFor(this.#policies.values(), finalName, type);
    const settings = resolveSettings(type, completed.arguments, policy?.definition, this.profile);
    const queue = new Queue(declaration, settings, this);
    queue.policy = policy?.name;
    queue.duplicates = this.#duplicates;
    this.#queues.set(finalName, queue);
    this.topologyVersion++;
    return queue;
  }

  /**
   * queue.delete; a missing one is no mistake.
   *
   * @param answer told how many ready messages went with it, before consumers learn of it
   */
  deleteQueue(
    name: string,
    owner: object,
    ifUnused: boolean,
    ifEmpty: boolean,
    answer: (messageCount: number) => void,
  ): void {
    const queue = this.#queues.get(name);
    if (queue === undefined) {
      answer(0);
      return;
    }
    this.#checkOwner(queue, owner);
    if (queue.type === 'quorum' && (ifUnused || ifEmpty)) {
      const flag = ifUnused ? 'if-unused' : 'if-empty';
      const text = `queue.delete operations with ${flag} flag set are not supported by quorum queues`;
      throw connectionError(540, `cannot delete ${queue.description}. ${text}`);
    }
    if (ifUnused && queue.consumerCount > 0) throw channelError(406, `${queue.description} in use`);
    if (ifEmpty && queue.readyCount > 0) throw channelError(406, `${queue.description} not empty`);
    this.removeQueue(queue, answer);
  }

  /** Removes a queue with its bindings; its consumers are told, after `answer`. */
  removeQueue(queue: Queue, answer: (messageCount: number) => void = () => {}): void {
    if (this.#queues.get(queue.name) !== queue) return;
    this.#queues.delete(queue.name);
    this.topologyVersion++;
    this.#removeBindingsTo(queue);
    const messageCount = queue.readyCount;
    const consumers = queue.end();
    answer(messageCount);
    const byTag = [...consumers].sort((a, b) => (a.tag < b.tag ? -1 : 1));
    for (const consumer of byTag) consumer.owner.cancelled(consumer);
  }

  /** Removes the exclusive queues of a connection that has ended. */
  removeQueuesOf(owner: object): void {
    for (const queue of this.#queues.values()) if (queue.owner === owner) this.removeQueue(queue);
  }

  /**
   * Routes a message and puts it into its queues.
   *
   * @param routingKeys the published key, followed by those of CC and BCC
   */
  publish(
    exchange: Exchange<Queue>,
    message: Message,
    routingKeys: readonly string[],
    ttlMs: number | undefined,
  ): PublishResult {
    exchange.published++;
    const queues = route(this, exchange, routingKeys, () => headersOf(message));
    const count = queues.length;
    if (count === 0) return UNROUTED;
    let refused = false;
    for (let i = 0; i < count; i++) {
      const copy = i === count - 1 ? message : message.copy();
      if (queues[i]?.publish(copy, ttlMs) === false) refused = true;
    }
    return { routed: count, refused };
  }

  deadLetter(queue: Queue, message: Message, reason: DeathReason): void {
    if (queue.settings.deadLetterExchange !== undefined) this.#deadLetters.push({ queue, message, reason });
  }

  settleDeadLetters(): void {
    if (this.#settling || this.#deadLetters.length === 0) return;
    this.#settling = true;
    try {
      while (this.#deadLetters.length > 0) {
        const batch = this.#deadLetters;
        this.#deadLetters = [];
        for (const { queue, message, reason } of batch) this.#publishDeadLetter(queue, message, reason);
      }
    } finally {
      this.#settling = false;
    }
  }

  queueExpired(queue: Queue): void {
    this.removeQueue(queue);
  }

  /**
   * Adds or replaces a policy; it takes effect at once.
   *
   * @throws {InvalidPolicyError} for a definition RabbitMQ would refuse
   */
  setPolicy(name: string, request: PolicyRequest): void {
    this.#policies.set(name, makePolicy(name, request));
    this.#applyPolicies();
  }

  /** `false` when there is no such policy. */
  deletePolicy(name: string): boolean {
    const existed = this.#policies.delete(name);
    if (existed) this.#applyPolicies();
    return existed;
  }

  /** What a restart of the node leaves: durable exchanges and queues, and the persistent messages in them. */
  restart(): void {
    for (const queue of [...this.#queues.values()]) {
      if (!queue.durable || queue.owner !== undefined) this.removeQueue(queue);
      else queue.dropTransient();
    }
    if (this.profile.keepsTransientExchanges) return;
    for (const exchange of [...this.#exchanges.values()]) if (!exchange.durable) this.#removeExchange(exchange);
  }

  /** Ends everything in it. */
  end(): void {
    for (const queue of [...this.#queues.values()]) this.removeQueue(queue);
  }

  #publishDeadLetter(queue: Queue, dead: Message, reason: DeathReason): void {
    const { deadLetterExchange, deadLetterRoutingKey } = queue.settings;
    const exchange = deadLetterExchange === undefined ? undefined : this.#exchanges.get(deadLetterExchange);
    if (exchange === undefined) return;
    const timeSeconds = Math.floor(this.clock.wallTime() / 1000);
    const event = {
      queue: queue.name,
      reason,
      timeSeconds,
      deadLetterExchange: exchange.name,
      deadLetterRoutingKey,
    };
    const { message, routingKeys, closesCycle } = makeDeadLetter(dead, event, this.profile);
    for (const target of route(this, exchange, routingKeys, () => headersOf(message))) {
      if (!closesCycle(target.name)) target.publish(message.copy(), undefined);
    }
  }

  #checkExchangeType(type: string): ExchangeType {
    if (EXCHANGE_TYPES.includes(type)) return type as ExchangeType;
    if (type === 'x-local-random' && this.profile.localRandomExchange) return type;
    const text = `${this.profile.unknownExchangeTypes.includes(type) ? 'unknown' : 'invalid'} exchange type '${type}'`;
    if (this.profile.unknownExchangeTypeScope === 'connection') throw connectionError(503, text);
    throw channelError(406, text);
  }

  #checkNotDefault(name: string): void {
    if (name === '') throw channelError(403, 'operation not permitted on the default exchange');
  }

  #checkOwner(queue: Queue, owner: object): void {
    if (queue.owner !== undefined && queue.owner !== owner) throw lockedError(queue);
  }

  #describeExchange(name: string): string {
    return `exchange '${name}' in vhost '${this.name}'`;
  }

  #removeExchange(exchange: Exchange<Queue>): void {
    this.#exchanges.delete(exchange.name);
    this.topologyVersion++;
    for (const binding of [...exchange.bindings]) exchange.remove(binding);
    this.#removeBindingsTo(exchange);
  }

  #removeBindingsTo(destination: Queue | Exchange<Queue>): void {
    for (const binding of [...this.bindingsTo(destination)]) {
      binding.source.remove(binding);
      this.#removeIfUnused(binding.source);
    }
  }

  /** An auto-delete exchange goes with its last binding; one never bound stays. */
  #removeIfUnused(exchange: Exchange<Queue>): void {
    const current = this.#exchanges.get(exchange.name) === exchange;
    if (current && exchange.autoDelete && exchange.bindingCount === 0) this.#removeExchange(exchange);
  }

  #applyPolicies(): void {
    this.topologyVersion++;
    for (const exchange of this.#exchanges.values()) this.#applyPolicyToExchange(exchange);
    for (const queue of this.#queues.values()) {
      const policy = policyFor(this.#policies.values(), queue.name, queue.type);
      queue.configure(resolveSettings(queue.type, queue.arguments, policy?.definition, this.profile), policy?.name);
    }
  }

  #applyPolicyToExchange(exchange: Exchange<Queue>): void {
    const own = lookup(exchange.arguments, 'alternate-exchange')?.value;
    const policy = policyFor(this.#policies.values(), exchange.name, 'exchange');
    const alternate = own ?? policy?.definition['alternate-exchange'];
    exchange.alternate = typeof alternate === 'string' ? alternate : undefined;
  }
}

function headersOf(message: Message): FieldTable {
  return readHeaders(message.bytes, message.propertiesStart, message.propertiesEnd) ?? [];
}

function checkExchangeEquivalence(
  current: Exchange<Queue>,
  wanted: Omit<ExchangeProperties, 'type'> & { readonly type: string },
  resource: string,
): void {
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

function lockedError(queue: Queue): AmqpError {
  return channelError(
    405,
    `cannot obtain exclusive access to locked ${queue.description}. It could be originally declared on another ` +
      'connection or the exclusive property value does not match that of the original declaration.',
  );
}
