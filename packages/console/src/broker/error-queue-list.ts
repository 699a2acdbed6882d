import type { QueueState } from '@leveret/amqplib';
import type { Clock } from '@leveret/core';
import { findErrorQueues, type OperationsSession, stagedMessages, stagingQueueOf } from '@leveret/operations';
import type { QueueCountJson } from '../contract/contract.js';
import type { BrokerLink } from './broker-link.js';

/** How long what the management API said about which queues there are holds. */
const NAMES_MS = 10_000;

interface Known {
  readonly name: string;
  readonly type: string;
  readonly because: string;
}

/** The error queues that the console shows: those that were named, else those that the management API finds. */
export class ErrorQueueList {
  readonly #link: BrokerLink;
  readonly #clock: Clock;
  readonly #named: readonly string[];
  #known: { readonly at: number; readonly queues: Promise<readonly Known[]> } | undefined;
  /** Staged messages as last heard, where nobody tells. */
  readonly #staged = new Map<string, number>();
  /** While its messages are in hand of a look of ours, a queue seems to be empty. */
  readonly #before = new Map<string, QueueState>();
  readonly #looking = new Map<string, number>();

  constructor(link: BrokerLink, clock: Clock, named: readonly string[]) {
    this.#link = link;
    this.#clock = clock;
    this.#named = named;
  }

  /** @throws {LeveretError} LEV_OPERATION_REFUSED when none were named and there is no management API */
  async names(): Promise<readonly string[]> {
    return (await this.#queues(await this.#link.session())).map(({ name }) => name);
  }

  /** How full they are, without looking into them. @throws as {@link names} */
  async counts(): Promise<readonly QueueCountJson[]> {
    const session = await this.#link.session();
    const known = await this.#queues(session);
    const staged = await this.#stagedOf(session, known);
    const counts: QueueCountJson[] = [];
    for (const { name, type, because } of known) {
      const state = await session.broker.queue(name);
      if (state === undefined) continue;
      const seen = this.#looking.has(name) ? (this.#before.get(name) ?? state) : state;
      this.#before.set(name, seen);
      const { messages, consumers } = seen;
      counts.push({ name, type, messages, consumers, because, staged: staged.get(name) ?? 0 });
    }
    return counts;
  }

  /** A look found so many on their way back. */
  heardOfStaged(queue: string, staged: number): void {
    this.#staged.set(queue, staged);
  }

  /** Asks the broker itself, which writes a line into its log for each queue that is not there. */
  async lookForStaged(queues?: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const session = await this.#link.session();
    for (const name of queues ?? (await this.names())) this.#staged.set(name, await stagedMessages(session, name));
    return new Map([...this.#staged].filter(([, count]) => count > 0));
  }

  /** Does work that takes all messages of these queues in hand. */
  async whileInHand<T>(queues: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const queue of queues) this.#looking.set(queue, (this.#looking.get(queue) ?? 0) + 1);
    try {
      return await work();
    } finally {
      for (const queue of queues) {
        const left = (this.#looking.get(queue) ?? 1) - 1;
        if (left > 0) this.#looking.set(queue, left);
        else this.#looking.delete(queue);
      }
    }
  }

  #queues(session: OperationsSession): Promise<readonly Known[]> {
    const now = this.#clock.monotonic();
    if (this.#known === undefined || now - this.#known.at > NAMES_MS) {
      const queues = this.#named.length > 0 ? this.#ofNamed(session) : this.#found(session);
      const known = { at: now, queues };
      this.#known = known;
      queues.catch(() => {
        if (this.#known === known) this.#known = undefined;
      });
    }
    return this.#known.queues;
  }

  async #found(session: OperationsSession): Promise<readonly Known[]> {
    return (await findErrorQueues(session)).map(({ name, type, because }) => ({ name, type, because }));
  }

  async #ofNamed(session: OperationsSession): Promise<readonly Known[]> {
    const known: Known[] = [];
    for (const name of new Set(this.#named)) {
      const isThere = (await session.broker.queue(name)) !== undefined;
      if (isThere) known.push({ name, type: (await session.queueType(name)) ?? 'unknown', because: 'it was named' });
    }
    return known;
  }

  async #stagedOf(session: OperationsSession, known: readonly Known[]): Promise<ReadonlyMap<string, number>> {
    const reader = await session.management().catch(() => undefined);
    if (reader === undefined) return this.#staged;
    const there = new Set((await reader.queues()).map(({ name }) => name));
    const staged = new Map<string, number>();
    for (const { name } of known) {
      const queue = stagingQueueOf(name);
      // Only of those that are there: a question about one that is not is an error in the broker's log.
      if (there.has(queue)) staged.set(name, (await session.broker.queue(queue))?.messages ?? 0);
    }
    return staged;
  }
}
