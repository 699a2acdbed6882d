import type { Clock } from '@leveret/core';

/** Who waits for a turn. */
interface Waiting {
  readonly begin: () => void;
  /** It could go on with what the one before it has begun. */
  readonly joins: boolean;
}

/** Lets one at a time use something, in the order they asked. */
export class Turns {
  readonly #clock: Clock;
  readonly #queue: Waiting[] = [];
  #taken = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the next one could go on with what the one whose turn it is has begun. */
  get nextJoins(): boolean {
    return this.#queue[0]?.joins === true;
  }

  /** Does the work when all before are done. `onTimeout` throws when its turn does not come in time; it is then skipped. */
  async take<T>(timeoutMs: number, work: () => Promise<T>, onTimeout: () => never, joins = false): Promise<T> {
    if (this.#taken) await this.#turn(timeoutMs, onTimeout, joins);
    this.#taken = true;
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#taken = false;
      else next.begin();
    }
  }

  #turn(timeoutMs: number, onTimeout: () => never, joins: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        try {
          onTimeout();
        } catch (error) {
          reject(error);
        }
      });
      const begin = () => {
        cancel();
        resolve();
      };
      const waiting: Waiting = { begin, joins };
      this.#queue.push(waiting);
    });
  }
}
