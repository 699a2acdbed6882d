import { type Clock, pause } from '@leveret/core';

/** Lets callers go on in the order in which they ask, so many in a second and none in advance. */
export class Pace {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #nextAt: number;
  /** One waits behind the other: a signal that hundreds listen to warns of a leak. */
  #before: Promise<boolean> = Promise.resolve(true);

  /** @param rate in a second, above 0; `undefined` for no limit */
  constructor(clock: Clock, rate: number | undefined) {
    this.#clock = clock;
    this.#everyMs = rate === undefined ? 0 : 1000 / rate;
    this.#nextAt = clock.monotonic();
  }

  /** Resolves when it is this caller's turn; to `false` as soon as the signal fires. */
  next(signal?: AbortSignal): Promise<boolean> {
    if (this.#everyMs === 0) return Promise.resolve(signal?.aborted !== true);
    this.#before = this.#before.then(() => this.#turn(signal));
    return this.#before;
  }

  async #turn(signal: AbortSignal | undefined): Promise<boolean> {
    if (signal?.aborted === true) return false;
    const now = this.#clock.monotonic();
    // What was not used is not made up for, but for the lateness of timers.
    const at = Math.max(this.#nextAt, now - LATENESS_MS);
    this.#nextAt = at + this.#everyMs;
    return at <= now || (await pause(this.#clock, at - now, signal)) === 'elapsed';
  }
}

const LATENESS_MS = 100;
