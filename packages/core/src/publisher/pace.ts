/** How many messages of a lane may be unconfirmed at a time: from `least`, after a confirm that did not come, to `most`. */
export class Pace {
  /** The most that it will ever be. */
  readonly most: number;
  readonly #least: number;
  #window: number;

  constructor(least: number, most: number) {
    this.#least = Math.min(least, most);
    this.most = most;
    this.#window = this.#least;
  }

  get window(): number {
    return this.#window;
  }

  /** One more with each, so that it doubles with each round. */
  confirmed(): void {
    if (this.#window < this.most) this.#window++;
  }

  timedOut(): void {
    this.#window = this.#least;
  }
}
