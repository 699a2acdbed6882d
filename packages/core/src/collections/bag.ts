/** Knows where in a {@link Bag} it lies. */
export interface Placed {
  place: number;
}

/**
 * Things in no order, for what comes and goes with every message. A `Set` would grow a table after the other: each refers to
 * the next, so that one that has become old keeps alive all that was ever in those behind it, until the whole heap is collected.
 */
export class Bag<T extends Placed> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  add(item: T): void {
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** Answers whether it was in it. */
  delete(item: T): boolean {
    const { place } = item;
    if (this.#items[place] !== item) return false;
    const last = this.#items.pop() as T;
    if (last !== item) {
      last.place = place;
      this.#items[place] = last;
    }
    return true;
  }
}
