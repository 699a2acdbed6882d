import type { Clock } from '@leveret/core';

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  /** Timers go by this, whatever the clock on the wall says. */
  #elapsed = 0;
  #origin: number;

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#origin = now;
  }

  now(): number {
    return this.#origin + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#elapsed + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Sets the clock on the wall, without time passing. */
  setWall(now: number): void {
    this.#origin = now - this.#elapsed;
  }

  /** Moves time, firing every timer at its moment and letting what it started go as far as it can. */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsed + ms;
    await turn();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#timers.delete(next);
      this.#elapsed = next.at;
      next.callback();
      await turn();
    }
    this.#elapsed = until;
  }

  #next(until: number) {
    return [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  }
}

/** One turn of the event loop: whatever promises could settle have settled. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
