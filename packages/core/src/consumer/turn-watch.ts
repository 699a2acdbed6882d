import type { Clock } from '../time/clock.js';
import type { BrokerPatience } from './broker-patience.js';

/** Looks after what waits for its turn: the broker waits for it as well. */
export class TurnWatch {
  readonly #clock: Clock;
  readonly #patience: BrokerPatience;
  readonly #oldest: () => number | undefined;
  readonly #overdue: () => void;
  #cancel: (() => void) | undefined;

  /**
   * @param oldest since when the first waits, `undefined` when none does
   * @param overdue told when it has waited for too long
   */
  constructor(clock: Clock, patience: BrokerPatience, oldest: () => number | undefined, overdue: () => void) {
    this.#clock = clock;
    this.#patience = patience;
    this.#oldest = oldest;
    this.#overdue = overdue;
  }

  /** Something waits. */
  begin(): void {
    if (this.#cancel === undefined) this.#plan();
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #plan(): void {
    const since = this.#oldest();
    const { turnMs } = this.#patience;
    if (since === undefined || turnMs === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#clock.after(Math.max(0, since + turnMs - this.#clock.monotonic()), () => this.#look());
  }

  /** What was first when this was planned may have had its turn. */
  #look(): void {
    this.#cancel = undefined;
    const since = this.#oldest();
    if (since === undefined) return;
    if (this.#clock.monotonic() - since < this.#patience.turnMs) this.#plan();
    else this.#overdue();
  }
}
