import type { Clock } from '../time/clock.js';

/** Lines that are alike: the next comes after so long, the one behind it after four times that, and so on. */
const DISTANCE_MS = 5_000;
const MOST_MS = 600_000;
/** Kinds of lines that are remembered at a time; the oldest is forgotten first, and told at once when it comes again. */
const MOST_KINDS = 100;

interface Alike {
  readonly next: number;
  readonly distanceMs: number;
  readonly unsaid: number;
}

/** Whether a line is worth being written, and how many alike were not since the last that was. */
export type LineDecision = { readonly say: false } | { readonly say: true; readonly unsaid: number };

/** Thins out lines that repeat: the first of a kind is written at once, further ones at growing distances. */
export class AlikeLines {
  readonly #clock: Clock;
  readonly #said = new Map<string, Alike>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param kind what lines that are alike have in common */
  decide(kind: string): LineDecision {
    const now = this.#clock.monotonic();
    const alike = this.#said.get(kind);
    if (alike !== undefined && now < alike.next) {
      this.#said.set(kind, { ...alike, unsaid: alike.unsaid + 1 });
      return { say: false };
    }
    const distanceMs = alike === undefined ? DISTANCE_MS : Math.min(4 * alike.distanceMs, MOST_MS);
    this.#said.set(kind, { next: now + distanceMs, distanceMs, unsaid: 0 });
    const [oldest] = this.#said.keys();
    if (this.#said.size > MOST_KINDS && oldest !== undefined) this.#said.delete(oldest);
    return { say: true, unsaid: alike?.unsaid ?? 0 };
  }

  /** Whatever comes next is news. */
  forget(): void {
    this.#said.clear();
  }
}
