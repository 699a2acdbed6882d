import type { AttemptParts, DeliveryContext } from '@leveret/core';

type Invoke = (context: DeliveryContext, parts?: AttemptParts) => unknown;

/** Calls back when an attempt has ended: when its result is there, and all that interceptors started of it has settled. */
export function tellingTheEnd(invoke: Invoke, ended: (context: DeliveryContext) => void): Invoke {
  return (context, outer) => {
    const watch = new PartsWatch(outer, () => ended(context));
    let result: unknown;
    try {
      result = invoke(context, watch);
    } catch (error) {
      watch.invocationEnded();
      throw error;
    }
    if (!isThenable(result)) {
      watch.invocationEnded();
      return result;
    }
    const promise = result instanceof Promise ? result : Promise.resolve(result);
    const settled = () => watch.invocationEnded();
    promise.then(settled, settled);
    return promise;
  };
}

/** Passes on what begins and ends, and counts it together with the invocation itself. */
class PartsWatch implements AttemptParts {
  readonly #outer: AttemptParts | undefined;
  readonly #allEnded: () => void;
  #running = 1;

  constructor(outer: AttemptParts | undefined, allEnded: () => void) {
    this.#outer = outer;
    this.#allEnded = allEnded;
  }

  began(): void {
    this.#outer?.began();
    this.#running++;
  }

  ended(): void {
    this.#outer?.ended();
    this.invocationEnded();
  }

  invocationEnded(): void {
    if (--this.#running === 0) this.#allEnded();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
