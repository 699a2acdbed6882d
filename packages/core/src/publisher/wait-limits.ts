import type { PublishChannel } from '../transport/transport.js';
import type { PublishFailure } from './publish-failure.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';

/**
 * Remembers since when a connection that stands takes no messages, and says how long what waits may go on waiting.
 *
 * - blocked: the broker has a resource alarm and does not read. Queued messages wait `blockedTimeout`; the confirms of
 *   those in flight are not expected before it ends, so their time starts again then.
 * - congested: the socket takes no more data. Queued messages wait `connectionTimeout`.
 * - stuck: the one destination of the lane confirms nothing. Queued messages wait `confirmTimeout`, from the last confirm on.
 */
export class WaitLimits {
  readonly #options: ResolvedPublisherOptions;
  readonly #isBlocked: () => boolean;
  #blockedSince: number | undefined;
  #unblockedAt = 0;
  /** Since when the only destination of the lane has confirmed nothing, as far as that is known. */
  #silentSince: number | undefined;
  #congested: { readonly channel: PublishChannel; readonly since: number } | undefined;

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

  /** Whether the write buffer of the current channel is full. */
  get isCongested(): boolean {
    return this.#congested !== undefined;
  }

  /** The write buffer of a channel is full from now on; `goOn` is called when it has room, or when the channel has ended. */
  waitForDrain(channel: PublishChannel, now: number, goOn: () => void): void {
    this.#congested = { channel, since: now };
    const onDrained = () => {
      // Also called when the channel has ended; by then another one may be congested in its turn.
      if (this.#congested?.channel === channel) this.endCongestion();
      goOn();
    };
    channel.drained().then(onDrained, onDrained);
  }

  /** The only destination of the lane is to answer from now on. */
  expectConfirms(now: number): void {
    this.#silentSince = now;
  }

  /** Another channel is published on: the old one's full buffer is nobody's business any more. */
  endCongestion(): void {
    this.#congested = undefined;
  }

  /** Until when a message may wait in the queue that waits since `since`; without end when nothing holds it back. */
  queueDeadline(since: number): number {
    const { blockedTimeoutMs, connectionTimeoutMs, confirmTimeoutMs } = this.#options;
    if (this.#blockedSince !== undefined) return Math.max(since, this.#blockedSince) + blockedTimeoutMs;
    if (this.#congested !== undefined) return Math.max(since, this.#congested.since) + connectionTimeoutMs;
    if (this.#silentSince === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(since, this.#silentSince) + confirmTimeoutMs;
  }

  /** Until when the confirm of a message written at `sentAt` must come. */
  confirmDeadline(sentAt: number): number {
    const deadline = Math.max(sentAt, this.#unblockedAt) + this.#options.confirmTimeoutMs;
    return this.#blockedSince === undefined
      ? deadline
      : Math.max(deadline, this.#blockedSince + this.#options.blockedTimeoutMs);
  }

  /** What is said to a message whose {@link queueDeadline} has passed. */
  failure(): PublishFailure {
    const { blockedTimeoutMs, connectionTimeoutMs, confirmTimeoutMs } = this.#options;
    if (this.#blockedSince !== undefined) {
      const error = new Error(`the broker blocked publishing for ${blockedTimeoutMs} ms (resource alarm)`);
      return { kind: 'blocked', error };
    }
    if (this.#congested !== undefined) {
      const error = new Error(`the connection took no data for ${connectionTimeoutMs} ms`);
      return { kind: 'not-connected', error };
    }
    const error = new Error(
      `it was held back, for nothing to its exchange and key was confirmed in ${confirmTimeoutMs} ms`,
    );
    return { kind: 'confirm-timeout', error, sent: false, stuck: true };
  }
}
