import { type BackoffPolicy, backoffDelayMs } from '@leveret/core';
import type { ReconnectPolicy } from './connection-options.js';

/** A connection that ended sooner was of use to nobody, and counts as a failed attempt. */
export const SHORT_LIVED_MS = 100;
/** Attempts without a pause that a connection has in hand, and how soon it is given another. */
export const ATTEMPTS_IN_HAND = 10;
export const GIVEN_EVERY_MS = 350;

/** What is remembered of the connections that were lost. */
export interface Losses {
  /** Attempts without a pause that are left; below 0, one was made that is still to be given. */
  readonly inHand: number;
  /** When that was so, in monotonic milliseconds. */
  readonly at: number;
  /** Short-lived connections in a row. */
  readonly shortLived: number;
}

/** Nothing was lost. */
export const NO_LOSSES: Losses = { inHand: ATTEMPTS_IN_HAND, at: 0, shortLived: 0 };

/** When the next round of attempts begins, and what is remembered then. */
export interface NextRound {
  readonly inMs: number;
  readonly losses: Losses;
}

/**
 * Decides on the round after a lost connection. The broker was there, so it is tried at once, also when connections are lost
 * one soon after the other, as on a network that is ill. What accepts connections only to drop them is not to be hammered:
 * attempts without a pause come out of a token bucket, and whoever drops connections as soon as they are open sees growing
 * pauses, as for failed rounds.
 * @param lastedMs how long it was open
 * @param now monotonic milliseconds
 */
export function roundAfterLoss(
  before: Losses,
  { lastedMs, now }: { readonly lastedMs: number; readonly now: number },
  policy: BackoffPolicy,
  random?: () => number,
): NextRound {
  // Whoever asks for longer pauses after failed rounds means his broker to be spared.
  const everyMs = Math.max(GIVEN_EVERY_MS, policy.initialIntervalMs);
  const inHand = Math.min(ATTEMPTS_IN_HAND, before.inHand + (now - before.at) / everyMs) - 1;
  const shortLived = lastedMs < SHORT_LIVED_MS ? before.shortLived + 1 : 0;
  const untilGivenMs = inHand < 0 ? Math.ceil(-inHand * everyMs) : 0;
  const afterShortMs = shortLived > 1 ? backoffDelayMs(policy, shortLived - 1, random) : 0;
  return { inMs: Math.max(untilGivenMs, afterShortMs), losses: { inHand, at: now, shortLived } };
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
