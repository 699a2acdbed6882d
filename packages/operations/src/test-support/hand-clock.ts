import type { Clock } from '@leveret/core';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that a test moves: by hand, or from one timer to the next for as long as something takes. */
export class HandClock implements Clock {
  readonly #timers = new Set<Timer>();
  ms = 0;

  now = (): number => this.ms;
  monotonic = (): number => this.ms;

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.ms + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Milliseconds until each pending timer, shortest first. */
  get waits(): readonly number[] {
    return [...this.#timers].map(({ at }) => at - this.ms).sort((a, b) => a - b);
  }

  /** Lets what is under way go as far as it can without time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async advance(ms: number): Promise<void> {
    const until = this.ms + ms;
    await this.settle();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) await this.#fire(next);
    this.ms = until;
    await this.settle();
  }

  /** Moves time from timer to timer until a promise has settled, for an hour at most. */
  async through<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    work.then(settled, settled);
    await this.settle();
    for (const end = this.ms + 3_600_000; !isSettled; ) {
      const next = this.#next(end);
      if (next === undefined) throw new Error('it waits for nothing that comes with time');
      await this.#fire(next);
    }
    return work;
  }

  async #fire(timer: Timer): Promise<void> {
    this.#timers.delete(timer);
    this.ms = Math.max(this.ms, timer.at);
    timer.callback();
    await this.settle();
  }

  #next(until: number): Timer | undefined {
    return [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  }
}
