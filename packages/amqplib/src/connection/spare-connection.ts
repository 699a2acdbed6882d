import type { Clock } from '@leveret/core';
import type { Channel } from 'amqplib';
import type { ResolvedConnectionOptions } from './connection-options.js';
import type { Link } from './link.js';
import { ManagedConnection } from './managed-connection.js';

const CLOSE_TIMEOUT_MS = 1_000;

/**
 * A second connection to publish on, for as long as it is needed. RabbitMQ stops reading a whole connection when one of its
 * channels waits for a queue that does not take messages: then even a fresh channel on it gets no answer. It is closed with
 * its last channel.
 */
export class SpareConnection {
  readonly #options: ResolvedConnectionOptions;
  readonly #clock: Clock;
  #connection: ManagedConnection | undefined;
  #users = 0;

  constructor(options: ResolvedConnectionOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * Opens a channel there.
   * @throws {Error} when there is none in time
   */
  async open<C extends Channel>(timeoutMs: number, open: (link: Link, timeoutMs: number) => Promise<C>) {
    const deadline = this.#clock.monotonic() + timeoutMs;
    this.#connection ??= new ManagedConnection('publish', this.#options, NO_EVENTS, this.#clock);
    this.#users++;
    try {
      const link = await this.#connection.acquire(timeoutMs);
      const channel = await open(link, Math.max(1, deadline - this.#clock.monotonic()));
      channel.once('close', () => this.#left());
      return { link, channel };
    } catch (error) {
      this.#left();
      throw error;
    }
  }

  async close(timeoutMs: number): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close(timeoutMs);
  }

  #left(): void {
    if (--this.#users === 0) void this.close(CLOSE_TIMEOUT_MS);
  }
}

const NO_EVENTS = {
  prepare: () => Promise.resolve(),
  connected: () => {},
  disconnected: () => {},
  connectFailed: () => {},
  failed: () => {},
  blocked: () => {},
  unblocked: () => {},
  accepted: () => true,
  secretNotRenewed: () => {},
};
