/** What can be in a {@link LinkedList}: in one at a time, and it knows in which. */
export interface Linked<T extends Linked<T>> {
  list: LinkedList<T> | undefined;
  previous: T | undefined;
  next: T | undefined;
}

/** A first-in, first-out list that any member leaves in constant time: linked through its members, which allocates nothing. */
export class LinkedList<T extends Linked<T>> {
  #head: T | undefined;
  #tail: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get head(): T | undefined {
    return this.#head;
  }

  get tail(): T | undefined {
    return this.#tail;
  }

  push(item: T): void {
    item.list = this;
    item.previous = this.#tail;
    item.next = undefined;
    if (this.#tail === undefined) this.#head = item;
    else this.#tail.next = item;
    this.#tail = item;
    this.#size++;
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    item.list = this;
    item.previous = undefined;
    item.next = this.#head;
    if (this.#head === undefined) this.#tail = item;
    else this.#head.previous = item;
    this.#head = item;
    this.#size++;
  }

  /** Takes out an item of this list. */
  remove(item: T): void {
    if (item.previous === undefined) this.#head = item.next;
    else item.previous.next = item.next;
    if (item.next === undefined) this.#tail = item.previous;
    else item.next.previous = item.previous;
    item.list = undefined;
    item.previous = undefined;
    item.next = undefined;
    this.#size--;
  }

  /** Takes items from the front as long as `which` says so. */
  takeWhile(which: (item: T) => boolean): T[] {
    const items: T[] = [];
    for (let item = this.#head; item !== undefined && which(item); item = this.#head) {
      items.push(item);
      this.remove(item);
    }
    return items;
  }

  /** Takes out every item for which `which` says so, in order. */
  take(which: (item: T) => boolean): T[] {
    const items = [...this].filter(which);
    for (const item of items) this.remove(item);
    return items;
  }

  /** Empties the list; answers what was in it, in order. */
  drain(): T[] {
    return this.takeWhile(() => true);
  }

  /** From the front. What is visited may leave the list; nothing else may. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let item = this.#head; item !== undefined; ) {
      const { next } = item;
      yield item;
      item = next;
    }
  }
}
