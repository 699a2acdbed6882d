/** How many of something there were in each second of a run. */
export class OverTime {
  readonly #counts = new Map<number, number>();

  /** @param wallAt milliseconds since the epoch */
  see(wallAt: number): void {
    const second = Math.floor(wallAt / 1000);
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1);
  }

  get seconds(): readonly number[] {
    return [...this.#counts.keys()];
  }

  add(other: OverTime): void {
    for (const [second, count] of other.#counts) this.#counts.set(second, (this.#counts.get(second) ?? 0) + count);
  }

  /** One number for each second from the first to the last. */
  list(first: number, last: number): number[] {
    return Array.from({ length: last - first + 1 }, (_, index) => this.#counts.get(first + index) ?? 0);
  }
}
