/** A clock for tests: see fake-clock.d.mts. */
export class FakeClock {
  #timers = new Set();
  /** Timers go by this, whatever the clock on the wall says. */
  #elapsed = 0;
  #origin;

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#origin = now;
  }

  now() {
    return this.#origin + this.#elapsed;
  }

  monotonic() {
    return this.#elapsed;
  }

  setWall(now) {
    this.#origin = now - this.#elapsed;
  }

  after(ms, callback) {
    const timer = { at: this.#elapsed + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get waits() {
    return [...this.#timers].map(({ at }) => at - this.#elapsed).sort((a, b) => a - b);
  }

  pass(ms) {
    this.#elapsed += ms;
  }

  async advance(ms) {
    const until = this.#elapsed + ms;
    await turn();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#timers.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.callback();
      await turn();
    }
    this.#elapsed = Math.max(this.#elapsed, until);
  }

  #next(until) {
    return [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  }
}

export function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}
