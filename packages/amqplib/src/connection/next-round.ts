import { type BackoffPolicy, backoffDelayMs } from '@leveret/core';
import type { ReconnectPolicy } from './connection-options.js';

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

/** The rounds that failed since there was a connection. */
export interface FailedRounds {
  /** In a row since the pauses last began at the shortest. */
  readonly rounds: number;
  /** Those of them all that began before their time, because a host answered a knock. */
  readonly early: number;
}

/** Nothing has failed. */
export const NO_FAILED_ROUNDS: FailedRounds = { rounds: 0, early: 0 };

/**
 * Counts one more. A host that answers again deserves short pauses again, but not without end: the pauses after rounds that
 * began early grow with each of them.
 */
export function countFailedRound(before: FailedRounds, early: boolean): FailedRounds {
  if (!early) return { ...before, rounds: before.rounds + 1 };
  return { rounds: before.early + 1, early: before.early + 1 };
}

/** Between attempts with credentials that are refused: soon enough for a rotation, too rare to have the user locked out. */
const REFUSED: BackoffPolicy = { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.3 };

/**
 * The pause before the next round, in milliseconds.
 * @param refusals rounds in a row that ended because the broker refused the credentials
 */
export function pauseAfterRound(
  failed: FailedRounds,
  refusals: number,
  policy: BackoffPolicy,
  random?: () => number,
): number {
  return refusals > 0 ? backoffDelayMs(REFUSED, refusals, random) : backoffDelayMs(policy, failed.rounds, random);
}

// Pauses of this share of the time without a connection: after a long outage the clients of a broker come back over a
// longer while, and it is still a small part of the outage.
const KNOCK_SHARE = 1 / 1000;
const KNOCK_JITTER = 0.5;

/**
 * The pause before the next knock at a host that did not answer, in milliseconds; `undefined` for no knocks at all.
 * @param awayMs time without a connection
 * @param earlyFailures {@link FailedRounds.early}
 */
export function knockPauseMs(
  awayMs: number,
  earlyFailures: number,
  policy: ReconnectPolicy,
  random?: () => number,
): number | undefined {
  if (policy.knockIntervalMs === 0) return undefined;
  const initialIntervalMs = Math.max(policy.knockIntervalMs, awayMs * KNOCK_SHARE);
  const knocks = { initialIntervalMs, multiplier: 2, maxIntervalMs: policy.maxIntervalMs, jitter: KNOCK_JITTER };
  return backoffDelayMs(knocks, earlyFailures + 1, random);
}

/** The hosts of one round, each once, beginning with the one at `start` (counted on without end). */
export function hostsOfRound<T>(hosts: readonly T[], start: number): readonly T[] {
  const first = start % hosts.length;
  return [...hosts.slice(first), ...hosts.slice(0, first)];
}
