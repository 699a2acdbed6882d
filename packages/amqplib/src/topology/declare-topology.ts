import {
  type BindingDeclaration,
  type Clock,
  type ExchangeDeclaration,
  LeveretError,
  type QueueDeclaration,
  type Topology,
  within,
} from '@leveret/core';
import type { Channel } from 'amqplib';
import type { Link } from '../connection/link.js';
import { brokerReply } from '../errors/broker-reply.js';
import { type Declared, declarationError } from './declaration-error.js';
import { parseMismatch } from './parse-mismatch.js';
import { queueArguments } from './queue-arguments.js';

/** What came of declaring a topology. */
export interface DeclareReport {
  /** One per declaration that the broker refused; the others were declared all the same. */
  readonly failures: readonly LeveretError[];
  /** What was declared differently from what was asked, in words. */
  readonly notices: readonly string[];
}

/** How long the broker may take over one declaration. Quorum queues on a busy cluster need seconds. */
const DECLARE_TIMEOUT_MS = 30_000;

/**
 * Declares exchanges, then queues, then bindings, on a channel that is thrown away. A refusal closes the channel on the
 * broker's side: the rest goes on on a new one.
 * @param exclusive exclusive queues and their bindings are declared too: only the connection that consumes them may
 * @throws {LeveretError} LEV_TOPOLOGY_REFUSED when the broker closed the connection because of a declaration
 * @throws {Error} when the connection ended for another reason
 */
export async function declareTopology(
  link: Link,
  topology: Topology,
  exclusive: boolean,
  clock: Clock,
): Promise<DeclareReport> {
  const declarer = new Declarer(link, clock);
  const skipped = exclusive
    ? new Set<string>()
    : new Set(topology.queues.filter((q) => q.exclusive).map((q) => q.name));
  for (const exchange of topology.exchanges) await declarer.exchange(exchange);
  for (const queue of topology.queues) if (!skipped.has(queue.name)) await declarer.queue(queue);
  for (const binding of topology.bindings) {
    if (binding.destinationType === 'exchange' || !skipped.has(binding.destination)) await declarer.binding(binding);
  }
  declarer.done();
  return { failures: declarer.failures, notices: declarer.notices };
}

/** The part of a topology that one queue needs: itself, its bindings, and the exchanges these come from. */
export function topologyOfQueue(topology: Topology, name: string): Topology | undefined {
  const queues = topology.queues.filter((queue) => queue.name === name);
  if (queues.length === 0) return undefined;
  const bindings = topology.bindings.filter((b) => b.destinationType === 'queue' && b.destination === name);
  const sources = new Set(bindings.map((binding) => binding.source));
  return {
    exchanges: topology.exchanges.filter((exchange) => sources.has(exchange.name)),
    queues,
    bindings,
    policies: [],
  };
}

/** Declares one thing after the other, and gets itself a new channel whenever the broker closed the last. */
class Declarer {
  readonly failures: LeveretError[] = [];
  readonly notices: string[] = [];
  readonly #link: Link;
  readonly #clock: Clock;
  #channel: Channel | undefined;

  constructor(link: Link, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  exchange(exchange: ExchangeDeclaration): Promise<void> {
    const declared: Declared = { kind: 'exchange', title: `exchange ${JSON.stringify(exchange.name)}` };
    return this.#attempt(declared, async () => {
      if (exchange.declare === 'if-missing' && (await this.#exists((c) => c.checkExchange(exchange.name)))) return;
      const { durable, autoDelete, internal } = exchange;
      await this.#run((channel) =>
        channel.assertExchange(exchange.name, exchange.type, {
          durable,
          autoDelete,
          internal,
          arguments: exchange.arguments,
        }),
      );
    });
  }

  queue(queue: QueueDeclaration): Promise<void> {
    const declared: Declared = { kind: 'queue', title: `queue ${JSON.stringify(queue.name)}` };
    return this.#attempt(declared, async () => {
      if (queue.declare === 'if-missing' && (await this.#exists((c) => c.checkQueue(queue.name)))) return;
      const { arguments: args, notice } = queueArguments(queue, this.#link.facts.version);
      try {
        await this.#assertQueue(queue, args);
      } catch (error) {
        // Made lazy when the broker was older: it still compares the argument that it no longer heeds.
        const mismatch = parseMismatch(brokerReply(error)?.text ?? '');
        if (notice === undefined || mismatch?.argument !== 'x-queue-mode' || mismatch.current !== 'lazy') throw error;
        await this.#assertQueue(queue, queueArguments(queue, this.#link.facts.version, true).arguments);
        return;
      }
      if (notice !== undefined) this.notices.push(notice);
    });
  }

  binding(binding: BindingDeclaration): Promise<void> {
    const { source, destination, destinationType, routingKey } = binding;
    const declared: Declared = {
      kind: 'binding',
      title:
        `binding of ${destinationType} ${JSON.stringify(destination)} to exchange ${JSON.stringify(source)} ` +
        `with routing key ${JSON.stringify(routingKey)}`,
    };
    return this.#attempt(declared, () =>
      this.#run((channel) =>
        destinationType === 'queue'
          ? channel.bindQueue(destination, source, routingKey, binding.arguments)
          : channel.bindExchange(destination, source, routingKey, binding.arguments),
      ),
    );
  }

  /** Lets go of the channel; nobody waits for that. */
  done(): void {
    this.#channel?.close().catch(() => {});
    this.#channel = undefined;
  }

  #assertQueue(queue: QueueDeclaration, args: Readonly<Record<string, unknown>>): Promise<void> {
    const { durable, exclusive, autoDelete } = queue;
    return this.#run((channel) => channel.assertQueue(queue.name, { durable, exclusive, autoDelete, arguments: args }));
  }

  async #attempt(declared: Declared, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#link.ended) throw this.#connectionEnded(declared, error);
      this.failures.push(declarationError(error, declared));
    }
  }

  /** RabbitMQ before 4.0 closes the whole connection for some faults, such as an unknown exchange type. */
  #connectionEnded(declared: Declared, error: unknown): unknown {
    const ended = this.#link.error;
    const code = brokerReply(ended)?.code;
    return code === undefined || code === 320 ? (ended ?? error) : declarationError(ended, declared);
  }

  async #exists(check: (channel: Channel) => Promise<unknown>): Promise<boolean> {
    try {
      await this.#run(check);
      return true;
    } catch (error) {
      if (brokerReply(error)?.code === 404) return false;
      throw error;
    }
  }

  async #run(work: (channel: Channel) => Promise<unknown>): Promise<void> {
    const channel = this.#channel ?? (await this.#open());
    await within(this.#clock, DECLARE_TIMEOUT_MS, work(channel), () => {
      this.done();
      throw new LeveretError('LEV_TOPOLOGY_REFUSED', `no answer within ${DECLARE_TIMEOUT_MS} ms`);
    });
  }

  async #open(): Promise<Channel> {
    const channel = await this.#link.openChannel(DECLARE_TIMEOUT_MS);
    this.#channel = channel;
    channel.once('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    return channel;
  }
}
