import { type BackoffPolicy, backoffDelayMs, type Clock, type ConnectionHealth } from '@leveret/core';
import type { ManagedConnectionEvents } from '../connection/connection-events.js';
import type { Link } from '../connection/link.js';
import type { ManagedConnection } from '../connection/managed-connection.js';

/** What suspect queues need of the transport. */
export interface SuspectHost {
  /** A connection beside the common one, for a queue. It is not open yet. */
  connect(events: ManagedConnectionEvents): ManagedConnection;
  /** A queue has become suspect. */
  suspected(queue: string, error: Error | undefined): void;
  /** The connection of a queue stands, first or again, and may be used. */
  usable(queue: string, link: Link): void;
  /** The connection of a queue has ended. */
  ended(queue: string, link: Link): void;
  /** The connection of a queue will not come. */
  failed(queue: string, error: Error): void;
}

/** Twice is no accident. */
const ENDS = 2;
/** What happened so long ago has nothing to do with what happens now. */
const WITHIN_MS = 300_000;
/** Before a suspect is consumed again, each time that its connection has ended with it. */
const AGAIN: BackoffPolicy = { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 60_000, jitter: 0.2 };
const CLOSE_TIMEOUT_MS = 1000;

interface Suspect {
  readonly connection: ManagedConnection;
  /** The connection, once its pause is over. */
  link: Link | undefined;
  /** Its connection has ended with it since it was used last; other ends, as of the network, are not its fault. */
  isBlamed: boolean;
  cancelPause: () => void;
}

/**
 * Queues whose consumers ended the common connection twice, each with a connection of its own: a message that nobody can
 * take, or a queue without a majority, must not stop the other listeners.
 */
export class SuspectQueues {
  readonly #host: SuspectHost;
  readonly #clock: Clock;
  readonly #blames = new Map<string, { readonly times: number; readonly at: number }>();
  readonly #suspects = new Map<string, Suspect>();
  #isClosed = false;

  constructor(host: SuspectHost, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  has(queue: string): boolean {
    return this.#suspects.has(queue);
  }

  /** The connection of a suspect queue, when it may be used. */
  link(queue: string): Link | undefined {
    const link = this.#suspects.get(queue)?.link;
    return link?.ended === false ? link : undefined;
  }

  /** A connection has ended, it seems because of this queue. */
  blame(queue: string, error: Error | undefined): void {
    const now = this.#clock.monotonic();
    const before = this.#blames.get(queue);
    const times = before !== undefined && now - before.at < WITHIN_MS ? before.times + 1 : 1;
    this.#blames.set(queue, { times, at: now });
    const suspect = this.#suspects.get(queue);
    if (suspect !== undefined) suspect.isBlamed = true;
    else if (times >= ENDS && !this.#isClosed) this.#isolate(queue, error);
  }

  health(): readonly ConnectionHealth[] {
    return Array.from(this.#suspects, ([queue, { connection }]) => ({ ...connection.health(), suspect: queue }));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const suspects = [...this.#suspects.values()];
    this.#suspects.clear();
    for (const { cancelPause } of suspects) cancelPause();
    await Promise.all(suspects.map(({ connection }) => connection.close(CLOSE_TIMEOUT_MS)));
  }

  #isolate(queue: string, error: Error | undefined): void {
    const connection = this.#host.connect({
      prepare: () => Promise.resolve(),
      accepted: () => true,
      connected: (link) => this.#connected(queue, link),
      disconnected: (_error, link) => this.#host.ended(queue, link),
      failed: (failure) => this.#host.failed(queue, failure),
      connectFailed: () => {},
      secretNotRenewed: () => {},
      blocked: () => {},
      unblocked: () => {},
    });
    this.#suspects.set(queue, { connection, link: undefined, isBlamed: false, cancelPause: () => {} });
    this.#host.suspected(queue, error);
    connection.ensure();
  }

  #connected(queue: string, link: Link): void {
    const suspect = this.#suspects.get(queue);
    if (suspect === undefined) return;
    suspect.cancelPause();
    const times = (this.#blames.get(queue)?.times ?? ENDS) - ENDS;
    const inMs = suspect.isBlamed && times > 0 ? backoffDelayMs(AGAIN, times) : 0;
    suspect.cancelPause = this.#clock.after(inMs, () => {
      if (link.ended) return;
      suspect.link = link;
      suspect.isBlamed = false;
      this.#host.usable(queue, link);
    });
  }
}
