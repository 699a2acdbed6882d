import type { Clock } from '../time/clock.js';

/** One timer for many deadlines: fires at the earliest that was armed, and then has to be armed again. */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #onDue: (now: number) => void;
  #due: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, onDue: (now: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Makes sure that it fires at `due` (by the monotonic clock) or before. Costs nothing when it does already. */
  arm(due: number): void {
    if (this.#due !== undefined && this.#due <= due) return;
    this.#cancel?.();
    this.#due = due;
    this.#cancel = this.#clock.after(Math.max(1, due - this.#clock.monotonic()), () => {
      this.#due = undefined;
      this.#cancel = undefined;
      this.#onDue(this.#clock.monotonic());
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#due = undefined;
    this.#cancel = undefined;
  }
}
