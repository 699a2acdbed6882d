import {
  type BindingDeclaration,
  type ExchangeDeclaration,
  type LeveretError,
  type QueueDeclaration,
  type Topology,
} from '@leveret/core';
import type { Channel } from 'amqplib';
import type { Link } from '../connection/link.js';
import { brokerReply } from '../errors/broker-reply.js';
import { type Declared, declarationError } from './declaration-error.js';
import { parseMismatch } from './parse-mismatch.js';
import { canHoldBack, delayedRetryArguments, isAboutDelayedRetry, queueArguments } from './queue-arguments.js';

/** A declaration that failed, and what it was part of: a queue with its bindings, an exchange, a binding. */
export interface DeclareFailure {
  readonly error: LeveretError;
  readonly part: Topology;
}

/** What came of declaring a topology. */
export interface DeclareReport {
  /** One per declaration that the broker refused; the others were declared all the same. */
  readonly failures: readonly DeclareFailure[];
  /** Queues that the broker has as they are declared. */
  readonly asDeclared: readonly string[];
  /** What was declared differently from what was asked, in words. */
  readonly notices: readonly string[];
  /** The parts that cannot be had now, such as a queue whose node is down, and may be later. */
  readonly unavailable: readonly Topology[];
}

/** How long the broker may take to open a channel. */
const OPEN_TIMEOUT_MS = 10_000;

/**
 * Declares one thing after the other on a channel that is thrown away, and gets itself a new one whenever the broker closed
 * the last. A refusal is noted; only the end of the connection is thrown.
 */
export class Declarer {
  #failures: LeveretError[] = [];
  #notices: string[] = [];
  #asDeclared: string[] = [];
  readonly #link: Link;
  #channel: Channel | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  /**
   * Declares exchanges, then queues, then bindings; nothing is bound to a queue that cannot be had now. It may take for ever:
   * what the broker cannot answer now it answers when it can.
   */
  async declare(part: Topology): Promise<DeclareReport> {
    this.#failures = [];
    this.#notices = [];
    this.#asDeclared = [];
    for (const exchange of part.exchanges) await this.#exchange(exchange);
    for (const queue of part.queues) await this.#queue(queue);
    if (!this.#failures.some(isUnavailable)) for (const binding of part.bindings) await this.#binding(binding);
    const unavailable = this.#failures.some(isUnavailable) ? [part] : [];
    const failures = this.#failures.map((error) => ({ error, part }));
    return { failures, asDeclared: this.#asDeclared, notices: this.#notices, unavailable };
  }

  /** Lets go of the channel; nobody waits for that. */
  done(): void {
    this.#channel?.close().catch(() => {});
    this.#channel = undefined;
  }

  #exchange(exchange: ExchangeDeclaration): Promise<void> {
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

  #queue(queue: QueueDeclaration): Promise<void> {
    const declared: Declared = { kind: 'queue', title: `queue ${JSON.stringify(queue.name)}` };
    return this.#attempt(declared, async () => {
      if (queue.declare === 'if-missing' && (await this.#exists((c) => c.checkQueue(queue.name)))) return;
      if (canHoldBack(queue, this.#link.facts.version) && (await this.#queueThatHoldsBack(queue))) return;
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
      if (notice !== undefined) this.#notices.push(notice);
    });
  }

  /** Answers whether the queue holds back what is rejected: one that was made without that cannot learn it. */
  async #queueThatHoldsBack(queue: QueueDeclaration): Promise<boolean> {
    this.#link.holdingBack.delete(queue.name);
    try {
      await this.#assertQueue(queue, delayedRetryArguments(queue));
    } catch (error) {
      const mismatch = parseMismatch(brokerReply(error)?.text ?? '');
      if (!isAboutDelayedRetry(mismatch?.argument)) throw error;
      this.#notices.push(
        `Queue ${JSON.stringify(queue.name)} exists with another ${mismatch?.argument}, so that it does not hold back failed messages as its listener wants: they wait in queues of their own. Delete it once it is empty to have it declared anew.`,
      );
      return false;
    }
    this.#link.holdingBack.add(queue.name);
    return true;
  }

  #binding(binding: BindingDeclaration): Promise<void> {
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

  async #assertQueue(queue: QueueDeclaration, args: Readonly<Record<string, unknown>>): Promise<void> {
    const { durable, exclusive, autoDelete } = queue;
    await this.#run((channel) => channel.assertQueue(queue.name, { durable, exclusive, autoDelete, arguments: args }));
    this.#asDeclared.push(queue.name);
  }

  async #attempt(declared: Declared, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#link.ended) throw this.#connectionEnded(declared, error);
      this.#failures.push(declarationError(error, declared));
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
    await work(channel);
  }

  async #open(): Promise<Channel> {
    const channel = await this.#link.openChannel(OPEN_TIMEOUT_MS);
    this.#channel = channel;
    channel.once('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    return channel;
  }
}

function isUnavailable({ code }: LeveretError): boolean {
  return code === 'LEV_TOPOLOGY_UNAVAILABLE';
}
