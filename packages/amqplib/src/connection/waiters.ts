interface Waiter<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Those who wait for the same thing. Whoever has left is not told. */
export class Waiters<T> {
  readonly #waiters = new Set<Waiter<T>>();

  add(): { readonly promise: Promise<T>; leave(): void } {
    let leave = () => {};
    const promise = new Promise<T>((resolve, reject) => {
      const waiter = { resolve, reject };
      this.#waiters.add(waiter);
      leave = () => this.#waiters.delete(waiter);
    });
    return { promise, leave };
  }

  resolveAll(value: T): void {
    for (const waiter of this.#take()) waiter.resolve(value);
  }

  rejectAll(error: Error): void {
    for (const waiter of this.#take()) waiter.reject(error);
  }

  #take(): Waiter<T>[] {
    const all = [...this.#waiters];
    this.#waiters.clear();
    return all;
  }
}
