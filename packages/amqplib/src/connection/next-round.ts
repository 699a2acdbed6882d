import { type BackoffPolicy, backoffDelayMs } from '@leveret/core';

/** A connection that lasted less than this many milliseconds counts as a failed attempt for the backoff. */
export const SHORT_LIVED_MS = 1000;

/** What is known when a connection was lost. */
export interface Loss {
  readonly lastedMs: number;
  /** Short-lived connections in a row before this one. */
  readonly shortLivedBefore: number;
}

/** When the next round of attempts begins. */
export interface NextRound {
  readonly inMs: number;
  readonly shortLived: number;
}

/**
 * Decides on the round after a lost connection: at once, unless the broker keeps accepting connections and dropping them.
 */
export function roundAfterLoss(loss: Loss, policy: BackoffPolicy, random?: () => number): NextRound {
  if (loss.lastedMs >= SHORT_LIVED_MS) return { inMs: 0, shortLived: 0 };
  const inMs = loss.shortLivedBefore === 0 ? 0 : backoffDelayMs(policy, loss.shortLivedBefore, random);
  return { inMs, shortLived: loss.shortLivedBefore + 1 };
}

/** The hosts of one round, each once, beginning with the one at `start` (counted on without end). */
export function hostsOfRound<T>(hosts: readonly T[], start: number): readonly T[] {
  const first = start % hosts.length;
  return [...hosts.slice(first), ...hosts.slice(0, first)];
}
