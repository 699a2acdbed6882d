import { backoffDelayMs } from '@leveret/core';
import type { Allowance } from './choose-rows.js';

/** A publish that has had no answer for so long holds up nothing else: others are sent in its place. */
export const SLOW_MS = 2_000;
/** Waits of a destination that does not answer. */
const SILENT_BACKOFF = { initialIntervalMs: 1_000, multiplier: 2, maxIntervalMs: 30_000, jitter: 0.2 };
/** Wait of the rows behind the one that tries whether a destination answers. */
const BEHIND_PROBE_MS = 1_000;
/** A destination that nothing was sent to for so long after its silence is forgotten. */
const FORGET_AFTER_MS = 600_000;

/** What is known of an exchange with a routing key. */
interface Lane {
  /** When each publish that is not answered was sent, the oldest first. */
  readonly flying: Map<number, number>;
  answeredAt: number;
  /** Publishes without an answer, one behind the other. */
  silences: number;
  silentAt: number;
  /** Nothing is sent before. */
  until: number;
}

/**
 * Destinations that do not answer, such as a queue that has lost its majority: each has a back-off of its own, and what goes
 * elsewhere does not wait for it. All times are monotonic milliseconds.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #limit: number;
  #answeredAt = Number.NEGATIVE_INFINITY;

  /** @param limit publishes to one destination at a time */
  constructor(limit: number) {
    this.#limit = limit;
  }

  sent(destination: string, id: number, now: number): void {
    const lane = this.#lanes.get(destination) ?? {
      flying: new Map(),
      answeredAt: Number.NEGATIVE_INFINITY,
      silences: 0,
      silentAt: Number.NEGATIVE_INFINITY,
      until: 0,
    };
    this.#lanes.set(destination, lane);
    lane.flying.set(id, now);
  }

  /** The broker said yes, or no. */
  answered(destination: string, id: number, now: number): void {
    this.#answeredAt = now;
    this.#ended(destination, id, (lane) => {
      lane.answeredAt = now;
      lane.silences = 0;
      lane.until = 0;
    });
  }

  /** The time for an answer has passed. Answers how long the destination is let alone, and whether anything was answered meanwhile. */
  silent(destination: string, id: number, now: number): { readonly pauseMs: number; readonly othersAnswered: boolean } {
    let sentAt = now;
    let pauseMs = 0;
    this.#ended(destination, id, (lane, since) => {
      sentAt = since;
      // Others of it were answered: this message is at fault, or had bad luck.
      if (lane.answeredAt > since) return;
      // What was sent together goes without an answer together: that is one silence.
      if (since >= lane.silentAt) {
        lane.silences++;
        lane.silentAt = now;
        lane.until = now + backoffDelayMs(SILENT_BACKOFF, lane.silences);
      }
      pauseMs = Math.max(0, Math.ceil(lane.until - now));
    });
    for (const [name, { flying, until }] of this.#lanes) {
      if (flying.size === 0 && now - until > FORGET_AFTER_MS) this.#lanes.delete(name);
    }
    return { pauseMs, othersAnswered: this.#answeredAt > sentAt };
  }

  /** It came to nothing that says anything of its destination. */
  forgotten(destination: string, id: number): void {
    this.#ended(destination, id, () => {});
  }

  /** How many more may be sent to a destination. One that has gone silent is asked with one message at a time. */
  allowance(destination: string, now: number): Allowance {
    const lane = this.#lanes.get(destination);
    if (lane === undefined) return { rows: this.#limit, deferMs: 0 };
    const [oldest] = lane.flying.values();
    const silent = lane.silences > 0;
    const slow = oldest !== undefined && now - Math.max(oldest, lane.answeredAt) > SLOW_MS;
    if (!silent && !slow) return { rows: this.#limit - lane.flying.size, deferMs: BEHIND_PROBE_MS };
    if (now < lane.until) return { rows: 0, deferMs: Math.ceil(lane.until - now) };
    const probing = [...lane.flying.values()].some((sentAt) => silent || now - sentAt <= SLOW_MS);
    return { rows: probing ? 0 : 1, deferMs: BEHIND_PROBE_MS * Math.max(1, lane.silences) };
  }

  /** Ids of publishes that have waited for their answer for too long to take room from others. */
  slow(now: number): readonly number[] {
    const found: number[] = [];
    for (const { flying } of this.#lanes.values()) {
      for (const [id, sentAt] of flying) {
        if (now - sentAt <= SLOW_MS) break;
        found.push(id);
      }
    }
    return found;
  }

  #ended(destination: string, id: number, change: (lane: Lane, sentAt: number) => void): void {
    const lane = this.#lanes.get(destination);
    const sentAt = lane?.flying.get(id);
    if (lane === undefined || sentAt === undefined) return;
    lane.flying.delete(id);
    change(lane, sentAt);
    // There may be as many destinations as messages.
    if (lane.flying.size === 0 && lane.silences === 0) this.#lanes.delete(destination);
  }
}
