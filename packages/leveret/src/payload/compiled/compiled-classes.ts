import { errorText } from '@leveret/core';
import { Stamp } from './stamp.js';

interface Compiled<Plan> {
  readonly plan: Plan | undefined;
  /** Why there is no plan. */
  readonly reason: string | undefined;
  readonly stamp: Stamp;
  /** The call in which the stamp was found to be current. */
  checkedIn: number;
}

/** Plans of classes: each is made once, and once more when decorators of its class were called since. */
export class CompiledClasses<Plan extends object> {
  readonly #known = new WeakMap<object, Compiled<Plan>>();
  readonly #compile: (type: never, stamp: Stamp) => Plan | string;

  /** @param compile answers why not when a class is left to the library; may throw when that would */
  constructor(compile: (type: never, stamp: Stamp) => Plan | string) {
    this.#compile = compile;
  }

  /**
   * The plan of a class; `undefined` when it is left to the library.
   * @param serial which call asks: what is current in it stays so
   */
  planOf(type: object, serial: number): Plan | undefined {
    return this.#current(type, serial).plan;
  }

  /** Why a class has no plan. */
  reasonAgainst(type: object, serial: number): string | undefined {
    return this.#current(type, serial).reason;
  }

  #current(type: object, serial: number): Compiled<Plan> {
    const found = this.#known.get(type);
    if (found !== undefined) {
      if (found.checkedIn === serial) return found;
      if (found.stamp.isCurrent()) {
        found.checkedIn = serial;
        return found;
      }
    }
    const made = this.#make(type, serial);
    this.#known.set(type, made);
    return made;
  }

  #make(type: object, serial: number): Compiled<Plan> {
    const stamp = new Stamp();
    const compiled = this.#try(type, stamp);
    const [plan, reason] = typeof compiled === 'string' ? [undefined, compiled] : [compiled, undefined];
    return { plan, reason, stamp, checkedIn: serial };
  }

  #try(type: object, stamp: Stamp): Plan | string {
    try {
      return this.#compile(type as never, stamp);
    } catch (error) {
      // So will the library, when it comes to it.
      return `its decorators cannot be read: ${errorText(error)}`;
    }
  }
}
