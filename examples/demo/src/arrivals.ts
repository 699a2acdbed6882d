/** Things that arrive by name, before or after somebody asks for them. */
export class Arrivals<T> {
  readonly #arrived = new Map<string, T>();
  readonly #waiting = new Map<string, (value: T) => void>();

  arrive(name: string, value: T): void {
    this.#arrived.set(name, value);
    this.#waiting.get(name)?.(value);
  }

  /** Waits for one; `undefined` when it does not come within 10 seconds. */
  wait(name: string): Promise<T | undefined> {
    if (this.#arrived.has(name)) return Promise.resolve(this.#arrived.get(name));
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 10_000, undefined);
      this.#waiting.set(name, (value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });
  }
}
