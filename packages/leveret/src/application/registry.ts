import { didYouMean, LeveretError } from '@leveret/core';

/** Something of an application that has a name and can be looked at. */
interface Registered<Snapshot> {
  readonly id: string;
  inspect(): Snapshot;
}

/** Things of one kind, by id, in the order they were declared in. */
export abstract class Registry<T extends Registered<Snapshot>, Snapshot> {
  readonly #kind: string;
  readonly #byId: ReadonlyMap<string, T>;

  constructor(kind: string, all: readonly T[]) {
    this.#kind = kind;
    this.#byId = new Map(all.map((each) => [each.id, each]));
  }

  get ids(): readonly string[] {
    return [...this.#byId.keys()];
  }

  get all(): readonly T[] {
    return [...this.#byId.values()];
  }

  /** So that `for (const listener of app.listeners)` goes through all of them. */
  [Symbol.iterator](): Iterator<T> {
    return this.#byId.values();
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /**
   * The one with this id: `Class.method` unless its options give another.
   * @throws {LeveretError} LEV_INVALID_STATE when there is none
   */
  get(id: string): T {
    const found = this.#byId.get(id);
    if (found !== undefined) return found;
    throw new LeveretError(
      'LEV_INVALID_STATE',
      `There is no ${this.#kind} ${JSON.stringify(id)}.${didYouMean(id, this.ids)} Known are: ${this.ids.join(', ') || 'none'}`,
    );
  }

  /** How all of them stand at the moment. */
  inspect(): readonly Snapshot[] {
    return this.all.map((each) => each.inspect());
  }
}
