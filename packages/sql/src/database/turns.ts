import { type Clock, within } from '@leveret/core';

/** Lets one at a time use something, in the order they asked. */
export class Turns {
  readonly #clock: Clock;
  #last: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Does the work when all before are done. `onTimeout` throws when its turn does not come in time; it is then skipped. */
  async take<T>(timeoutMs: number, work: () => Promise<T>, onTimeout: () => never): Promise<T> {
    const before = this.#last;
    let done: () => void = () => {};
    this.#last = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await within(this.#clock, timeoutMs, before, onTimeout);
    } catch (error) {
      // Those behind still wait for those before.
      void before.then(done);
      throw error;
    }
    try {
      return await work();
    } finally {
      done();
    }
  }
}
