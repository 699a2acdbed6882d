import type { Clock } from './clock.js';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
  readonly keepAlive: boolean;
}

/** Where the monotonic hand begins: far from 0, so that who takes a reading of it for a duration is found out. */
const BEGINS_AT_MS = 5_000_000;

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>();
  /** Timers go by this, whatever the clock on the wall says. */
  #elapsed = 0;
  #origin: number;

  constructor(now = 1_700_000_000_000) {
    this.#origin = now;
  }

  now(): number {
    return this.#origin + this.#elapsed;
  }

  monotonic(): number {
    return BEGINS_AT_MS + this.#elapsed;
  }

  /** How far the test has moved it, in milliseconds. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** Sets the clock on the wall, without time passing. */
  setWall(now: number): void {
    this.#origin = now - this.#elapsed;
  }

  after(ms: number, callback: () => void, keepAlive = false): () => void {
    const timer = { at: this.#elapsed + ms, callback, keepAlive };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Milliseconds until each pending timer, shortest first. */
  get waits(): readonly number[] {
    return [...this.#timers].map((timer) => timer.at - this.#elapsed).sort((a, b) => a - b);
  }

  /** Of these, the ones that keep the process alive. */
  get waitsForUs(): readonly number[] {
    const ours = [...this.#timers].filter(({ keepAlive }) => keepAlive);
    return ours.map((timer) => timer.at - this.#elapsed).sort((a, b) => a - b);
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

  #next(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }
}

/** One turn of the event loop: whatever promises could settle have settled. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
