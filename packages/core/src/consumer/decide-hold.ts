import { type BackoffPolicy, backoffDelayMs } from '../time/backoff.js';

/** Why a delivery cannot be handled now, although nothing is wrong with it. */
export type Obstacle =
  /** Another is handling the message, and cannot go on for longer than `retryAfterMs` unless it renews its claim. */
  | { readonly kind: 'in-progress'; readonly key: string; readonly retryAfterMs: number }
  /** The idempotency store has failed this many times in a row, for all deliveries of the listener. */
  | { readonly kind: 'unknown'; readonly failuresInARow: number };

/** How long a delivery has been held so far. */
export interface Held {
  readonly ms: number;
  /** How often it has met an obstacle, this time included. */
  readonly times: number;
}

/** Obstacles that a delivery has met since its last attempt: since when, and how often in a row of one kind. */
export interface HeldSince {
  readonly kind: Obstacle['kind'];
  readonly since: number;
  readonly times: number;
}

/** Counts one more obstacle. @param now by the monotonic hand of the clock */
export function meets({ kind }: Obstacle, before: HeldSince | undefined, now: number): HeldSince {
  return { kind, since: before?.since ?? now, times: before?.kind === kind ? before.times + 1 : 1 };
}

/** Wait and ask again, or let the broker deliver the message again. */
export type HoldDecision = { readonly kind: 'wait'; readonly delayMs: number } | { readonly kind: 'give-back' };

/** Most handlers end within a second: it is asked soon first, and then less often. */
const IN_PROGRESS: BackoffPolicy = { initialIntervalMs: 250, multiplier: 2, maxIntervalMs: 5000, jitter: 0.2 };
/** Between questions to a store that does not answer. */
export const STORE_DOWN: BackoffPolicy = { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };
/** Nothing is asked again without a breath, be it free at once by the word of the store. */
const LEAST_DELAY_MS = 10;

/** While a delivery is held, its consumer handles nothing else: after this long, others get their turn. */
const HELD_IN_PROGRESS_MS = 30_000;
/** While the store is down nothing can be handled anyway. Well below the 30 minutes that the broker waits for an ack. */
export const HELD_AT_MOST_MS = 300_000;
/** Of the time that a claim has left: a long lease must not use up the delivery limit of a quorum queue, 20 on RabbitMQ 4.0. */
const SHARE_OF_LEASE = 1 / 4;

/**
 * How long to wait before the message is tried again. Waiting is bounded: what is held for too long is given back to the
 * broker, which counts that as a delivery on quorum queues before RabbitMQ 4.3.
 */
export function decideHold(obstacle: Obstacle, held: Held, random: () => number = Math.random): HoldDecision {
  const leftMs = limitMs(obstacle) - held.ms;
  if (leftMs < LEAST_DELAY_MS) return { kind: 'give-back' };
  return { kind: 'wait', delayMs: Math.min(delayMs(obstacle, held.times, random), leftMs) };
}

function limitMs(obstacle: Obstacle): number {
  if (obstacle.kind === 'unknown') return HELD_AT_MOST_MS;
  return Math.min(Math.max(HELD_IN_PROGRESS_MS, obstacle.retryAfterMs * SHARE_OF_LEASE), HELD_AT_MOST_MS);
}

function delayMs(obstacle: Obstacle, times: number, random: () => number): number {
  if (obstacle.kind === 'unknown') return backoffDelayMs(STORE_DOWN, obstacle.failuresInARow, random);
  const freeInMs = Math.max(obstacle.retryAfterMs, LEAST_DELAY_MS);
  return Math.min(freeInMs, backoffDelayMs(IN_PROGRESS, times, random));
}
