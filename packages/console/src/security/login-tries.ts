import type { Clock } from '@leveret/core';

const WINDOW_MS = 60_000;
/** Wrong tokens in a minute: of one address, and of all. */
const MOST_OF_ONE = 5;
const MOST_OF_ALL = 50;
const MOST_ADDRESSES = 1000;

/** Counts wrong tokens, so that nobody can try them all. */
export class LoginTries {
  readonly #clock: Clock;
  readonly #wrong = new Map<string, number[]>();
  #ofAll: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until this address may try again; 0: now. */
  waitMs(address: string): number {
    const own = this.#recent(this.#wrong.get(address) ?? []);
    this.#ofAll = this.#recent(this.#ofAll);
    const waits = [
      own.length < MOST_OF_ONE ? 0 : this.#left(own.at(-MOST_OF_ONE)),
      this.#ofAll.length < MOST_OF_ALL ? 0 : this.#left(this.#ofAll.at(-MOST_OF_ALL)),
    ];
    return Math.max(...waits);
  }

  wrong(address: string): void {
    const now = this.#clock.monotonic();
    const own = this.#recent(this.#wrong.get(address) ?? []);
    this.#wrong.delete(address);
    this.#wrong.set(address, [...own, now]);
    this.#ofAll.push(now);
    const [oldest] = this.#wrong.keys();
    if (this.#wrong.size > MOST_ADDRESSES && oldest !== undefined) this.#wrong.delete(oldest);
  }

  /** A right token: what was mistyped before is forgiven. */
  right(address: string): void {
    this.#wrong.delete(address);
  }

  #recent(times: readonly number[]): number[] {
    const since = this.#clock.monotonic() - WINDOW_MS;
    return times.filter((at) => at > since);
  }

  #left(since: number | undefined): number {
    return since === undefined ? 0 : Math.max(1, Math.ceil(since + WINDOW_MS - this.#clock.monotonic()));
  }
}
