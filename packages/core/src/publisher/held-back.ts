import type { ResolvedPublisherOptions } from './publisher-options.js';

/**
 * Remembers since when a connection that stands takes no messages, and says how long what waits may go on waiting.
 *
 * - blocked: the broker has a resource alarm and does not read. Queued messages wait `blockedTimeout`; the confirms of
 *   those in flight are not expected before it ends, so their time starts again then.
 * - congested: the socket takes no more data. Queued messages wait `connectionTimeout`.
 */
export class HeldBack {
  readonly #options: ResolvedPublisherOptions;
  readonly #isBlocked: () => boolean;
  #blockedSince: number | undefined;
  #unblockedAt = 0;
  /** Since when the write buffer of the current channel is full. */
  congestedSince: number | undefined;

  constructor(options: ResolvedPublisherOptions, isBlocked: () => boolean) {
    this.#options = options;
    this.#isBlocked = isBlocked;
  }

  /** Whether the broker blocks publishing now. */
  isBlocked(now: number): boolean {
    if (this.#isBlocked()) {
      this.#blockedSince ??= now;
      return true;
    }
    if (this.#blockedSince !== undefined) {
      this.#blockedSince = undefined;
      this.#unblockedAt = now;
    }
    return false;
  }

  /** Until when a message may wait in the queue that waits since `since`; without end when nothing holds it back. */
  queueDeadline(since: number): number {
    if (this.#blockedSince !== undefined) return Math.max(since, this.#blockedSince) + this.#options.blockedTimeoutMs;
    if (this.congestedSince === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(since, this.congestedSince) + this.#options.connectionTimeoutMs;
  }

  /** Until when the confirm of a message written at `sentAt` must come. */
  confirmDeadline(sentAt: number): number {
    const deadline = Math.max(sentAt, this.#unblockedAt) + this.#options.confirmTimeoutMs;
    return this.#blockedSince === undefined
      ? deadline
      : Math.max(deadline, this.#blockedSince + this.#options.blockedTimeoutMs);
  }

  /** What is said to a message whose {@link queueDeadline} has passed. */
  failure(): { readonly kind: 'blocked' | 'not-connected'; readonly error: Error } {
    const { blockedTimeoutMs, connectionTimeoutMs } = this.#options;
    return this.#blockedSince === undefined
      ? { kind: 'not-connected', error: new Error(`the connection took no data for ${connectionTimeoutMs} ms`) }
      : {
          kind: 'blocked',
          error: new Error(`the broker blocked publishing for ${blockedTimeoutMs} ms (resource alarm)`),
        };
  }
}
