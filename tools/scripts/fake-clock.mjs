/** A clock for tests: see fake-clock.d.mts. */

const BEGINS_AT_MS = 5_000_000;

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
    return BEGINS_AT_MS + this.#elapsed;
  }

  get elapsed() {
    return this.#elapsed;
  }

  setWall(now) {
    this.#origin = now - this.#elapsed;
  }

  after(ms, callback, keepAlive = false) {
    const timer = { at: this.#elapsed + ms, callback, keepAlive };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get waits() {
    return this.#waits(() => true);
  }

  get waitsForUs() {
    return this.#waits(({ keepAlive }) => keepAlive);
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

  #waits(isMeant) {
    const meant = [...this.#timers].filter(isMeant);
    return meant.map(({ at }) => at - this.#elapsed).sort((a, b) => a - b);
  }

  #next(until) {
    let next;
    for (const timer of this.#timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }
}

export function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}
