import { LeveretError, pause } from '@leveret/core';
import type { ManagementReader } from '../management/management-reader.js';
import type { QueueCounts } from '../management/views.js';
import type { OperationsSession } from '../session/operations-session.js';

const LOOK_MS = 100;
/** Twice what a broker takes that counts every 30 s. */
const LATEST_MS = 60_000;

/**
 * What stopped consumers of a queue still hold. AMQP does not say; the management API does, some seconds late. How late is
 * found out by a consumer of our own: once that has been seen there and seen gone, what is said of the queue is later than its end.
 */
export class Hands {
  readonly #session: OperationsSession;
  readonly #reader: ManagementReader;
  readonly #queue: string;
  readonly #until: number;
  #seenAt: number | undefined;

  constructor(session: OperationsSession, reader: ManagementReader, queue: string) {
    this.#session = session;
    this.#reader = reader;
    this.#queue = queue;
    this.#until = session.clock.monotonic() + LATEST_MS;
  }

  /** Whether the API has seen our consumer. */
  async seesUs(): Promise<boolean> {
    const { consumers = 0 } = await this.#counts();
    if (consumers === 0) await pause(this.#session.clock, LOOK_MS);
    else this.#seenAt ??= this.#session.clock.monotonic();
    return consumers > 0;
  }

  /** Messages that are in hand, once our consumer is gone. */
  async held(signal: AbortSignal | undefined): Promise<number> {
    const { clock } = this.#session;
    const seenAt = this.#seenAt ?? clock.monotonic();
    while (((await this.#counts()).consumers ?? 1) > 0) await pause(clock, LOOK_MS, signal);
    // Consumers and messages are counted apart, each as often as this has taken.
    const until = 2 * clock.monotonic() - seenAt;
    while (clock.monotonic() < until && signal?.aborted !== true) await pause(clock, LOOK_MS, signal);
    return (await this.#counts()).unacked ?? 0;
  }

  async #counts(): Promise<QueueCounts> {
    if (this.#session.clock.monotonic() < this.#until) return this.#reader.queueCounts(this.#queue);
    const text = `The management API has not heard of the consumers of queue ${JSON.stringify(this.#queue)} for ${LATEST_MS} ms: whether somebody has messages of it in hand is not known. Does it count (management_agent.disable_metrics_collector)?`;
    throw new LeveretError('LEV_OPERATION_INTERRUPTED', text);
  }
}
