import type { Origin } from './outcomes.js';

/** Remembers of errors whether a guard or a pipe threw them. */
export class Origins {
  readonly #known = new WeakMap<object, Origin>();

  /** Calls, and remembers what it throws or rejects with. */
  note<T>(origin: Origin, call: () => T): T {
    try {
      const result = call();
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => {
        throw this.#noted(origin, error);
      }) as T;
    } catch (error) {
      throw this.#noted(origin, error);
    }
  }

  of(error: unknown): Origin {
    return (typeof error === 'object' && error !== null && this.#known.get(error)) || 'other';
  }

  #noted(origin: Origin, error: unknown): unknown {
    // What is no object cannot be remembered.
    const known = typeof error === 'object' && error !== null ? error : new Error(String(error), { cause: error });
    this.#known.set(known, origin);
    return known;
  }
}
