import type { Clock } from '../time/clock.js';

/** How many messages a listener may begin within a time. */
export interface RatePolicy {
  readonly messages: number;
  readonly perMs: number;
}

/**
 * A bucket of `messages` tokens, each of which is back `per` after it was taken: no stretch of that length sees more than
 * `messages` begin. (A bucket that is refilled evenly lets through twice as many behind a quiet time.)
 */
export class RateLimit {
  readonly #clock: Clock;
  readonly #perMs: number;
  /** When each token is back, by the monotonic clock, in the order in which they were taken. */
  readonly #backAt: Float64Array;
  #next = 0;

  constructor({ messages, perMs }: RatePolicy, clock: Clock) {
    this.#clock = clock;
    this.#perMs = perMs;
    this.#backAt = new Float64Array(messages).fill(Number.NEGATIVE_INFINITY);
  }

  /** Milliseconds until there is a token; 0 when there is one. */
  get waitMs(): number {
    return Math.max(0, (this.#backAt[this.#next] as number) - this.#clock.monotonic());
  }

  /** Takes a token, one that is not there yet if need be: then what follows waits for longer. */
  take(): void {
    const from = Math.max(this.#clock.monotonic(), this.#backAt[this.#next] as number);
    this.#backAt[this.#next] = from + this.#perMs;
    this.#next = (this.#next + 1) % this.#backAt.length;
  }
}
