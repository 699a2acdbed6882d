interface Lookup {
  get(key: unknown): unknown;
}

/**
 * What was read of the metadata of decorators when a class was compiled. Decorators can be called at any time, and some
 * programs do so: a class whose stamp is not current is compiled anew.
 */
export class Stamp {
  readonly #maps: { readonly of: { readonly size: number }; readonly size: number }[] = [];
  readonly #lists: { readonly of: readonly unknown[]; readonly length: number }[] = [];
  readonly #entries: { readonly of: Lookup; readonly key: unknown; readonly was: unknown }[] = [];

  /** Notes how many entries a map has. */
  map(of: ReadonlyMap<unknown, unknown>): this {
    this.#maps.push({ of, size: of.size });
    return this;
  }

  /** Notes how long a list is. */
  list(of: readonly unknown[]): this {
    this.#lists.push({ of, length: of.length });
    return this;
  }

  /** Notes and answers what stands under a key. */
  entry(of: Lookup, key: unknown): unknown {
    const was = of.get(key);
    this.#entries.push({ of, key, was });
    return was;
  }

  isCurrent(): boolean {
    for (const { of, size } of this.#maps) if (of.size !== size) return false;
    for (const { of, length } of this.#lists) if (of.length !== length) return false;
    for (const { of, key, was } of this.#entries) if (of.get(key) !== was) return false;
    return true;
  }
}
