import type { Clock } from '../clock/virtual-clock.js';
import type { DeathReason, Message } from '../queue/message.js';
import type { Queue, QueueHost } from '../queue/queue.js';
import type { Exchange } from '../routing/exchange.js';
import type { RoutingTable } from '../routing/router.js';
import type { VersionProfile } from '../version/version-profile.js';
import { DeadLetterPublisher } from './dead-letter-publisher.js';
import { ExchangeTable } from './exchange-table.js';
import { InvalidPolicyError, type Policy, type PolicyRequest } from './policy.js';
import { PolicyTable } from './policy-table.js';
import { QueueTable } from './queue-table.js';
import { routeMessage } from './route-message.js';

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
  /** Exchanges and bindings. */
  readonly exchanges: ExchangeTable;
  readonly queues: QueueTable;
  readonly floatsEqualIntegers: boolean;
  readonly #policies = new PolicyTable();
  readonly #deadLetters: DeadLetterPublisher;

  /** Told of memory taken by copies of a message. */
  readonly #grew: (bytes: number) => void;

  constructor(name: string, clock: Clock, profile: VersionProfile, grew: (bytes: number) => void = () => {}) {
    this.#grew = grew;
    this.name = name;
    this.clock = clock;
    this.profile = profile;
    this.floatsEqualIntegers = profile.floatsEqualIntegers;
    this.exchanges = new ExchangeTable(name, profile, this.#policies);
    this.queues = new QueueTable(name, this, this.exchanges, this.#policies);
    this.#deadLetters = new DeadLetterPublisher(this, clock, profile);
  }

  get policies(): Iterable<Policy> {
    return this.#policies;
  }

  get topologyVersion(): number {
    return this.exchanges.version;
  }

  exchange(name: string): Exchange<Queue> | undefined {
    return this.exchanges.get(name);
  }

  queue(name: string): Queue | undefined {
    return this.queues.get(name);
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
    return this.put(message, this.route(exchange, message, routingKeys), ttlMs);
  }

  /** The queues that a message would go to now; it counts as published on the exchange. */
  route(exchange: Exchange<Queue>, message: Message, routingKeys: readonly string[]): readonly Queue[] {
    exchange.published++;
    return routeMessage(this, exchange, message, routingKeys);
  }

  /** Puts a message into queues. */
  put(message: Message, queues: readonly Queue[], ttlMs: number | undefined): PublishResult {
    const count = queues.length;
    if (count === 0) return UNROUTED;
    if (count > 1) this.#grew(count * message.weight);
    let refused = false;
    for (let i = 0; i < count; i++) {
      const copy = i === count - 1 ? message : message.copy();
      if (queues[i]?.publish(copy, ttlMs) === false) refused = true;
    }
    return { routed: count, refused };
  }

  deadLetter(queue: Queue, message: Message, reason: DeathReason): void {
    this.#deadLetters.add(queue, message, reason);
  }

  settleDeadLetters(): void {
    this.#deadLetters.settle();
  }

  queueExpired(queue: Queue): void {
    this.queues.remove(queue);
  }

  /**
   * Adds or replaces a policy; it takes effect at once.
   *
   * @throws {InvalidPolicyError} for a definition RabbitMQ would refuse, and for a pattern that takes too long on a name
   *   that is there
   */
  setPolicy(name: string, request: PolicyRequest): void {
    const { pattern } = this.#policies.set(name, request);
    this.#applyPolicies();
    if (!pattern.gaveUp) return;
    this.deletePolicy(name);
    throw new InvalidPolicyError('Validation failed\n\npattern takes too long to look for: simplify what it repeats\n');
  }

  /** `false` when there is no such policy. */
  deletePolicy(name: string): boolean {
    const existed = this.#policies.delete(name);
    if (existed) this.#applyPolicies();
    return existed;
  }

  /** What a restart of the node leaves: durable exchanges and queues, and the persistent messages in them. */
  restart(): void {
    this.queues.restart();
    if (!this.profile.keepsTransientExchanges) this.exchanges.removeTransient();
  }

  /** Ends everything in it. */
  end(): void {
    this.queues.end();
  }

  #applyPolicies(): void {
    this.exchanges.version++;
    this.exchanges.applyPolicies();
    this.queues.applyPolicies();
  }
}
