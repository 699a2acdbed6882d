import type { Clock } from '@leveret/core';

const WINDOW_MS = 5000;
const LEAST_MS = 500;

/** How fast a count grows, over the last seconds. */
export class RateMeter {
  readonly #clock: Clock;
  #seen: { readonly at: number; readonly count: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes how high the count is; answers how much it grows in a second, `undefined` until that can be told. */
  see(count: number): number | undefined {
    const at = this.#clock.monotonic();
    this.#seen = [...this.#seen.filter((each) => at - each.at <= WINDOW_MS), { at, count }];
    const [first] = this.#seen;
    if (first === undefined || at - first.at < LEAST_MS) return undefined;
    return Math.round(((count - first.count) * 10_000) / (at - first.at)) / 10;
  }
}
