import type { Clock } from '@leveret/core';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it; what waits for sockets meanwhile is real. */
export class HandClock implements Clock {
  readonly #timers = new Set<Timer>();
  #elapsed = 0;

  now(): number {
    return 1_700_000_000_000 + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#elapsed + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Milliseconds until each timer, shortest first. */
  get waits(): readonly number[] {
    return [...this.#timers].map(({ at }) => at - this.#elapsed).sort((a, b) => a - b);
  }

  async advance(ms: number): Promise<void> {
    const until = this.#elapsed + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#elapsed = due.at;
      due.callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#elapsed = until;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
