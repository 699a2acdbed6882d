import type { Journal } from './journal.js';

/**
 * Makes the calls of a listener's methods go through the journal. The methods of this one instance are replaced, so that
 * other harnesses with the same class are not disturbed, and `#private` fields stay within reach.
 * @param called told the id of the listener at each call
 * @returns how to take that back
 */
export function spyOnListener(instance: object, journal: Journal, called: (listenerId: string) => void): () => void {
  const undo: (() => void)[] = [];
  for (const [key, method] of methodsOf(instance)) {
    const before = Object.getOwnPropertyDescriptor(instance, key);
    const spy = function (this: unknown, ...args: unknown[]): unknown {
      const attempt = journal.attemptBeforeCall();
      const invoke = () => Reflect.apply(method, this, args) as unknown;
      if (attempt === undefined) return invoke();
      called(attempt.record.listenerId);
      return journal.call(attempt, args, invoke);
    };
    if (!Reflect.defineProperty(instance, key, { value: spy, configurable: true, writable: true, enumerable: false })) {
      throw new TypeError(
        `expected a listener whose methods can be watched, received a frozen instance of ${instance.constructor.name}: bind the class instead`,
      );
    }
    undo.push(() => {
      if (Object.getOwnPropertyDescriptor(instance, key)?.value !== spy) return;
      if (before === undefined) Reflect.deleteProperty(instance, key);
      else Object.defineProperty(instance, key, before);
    });
  }
  return () => {
    for (const each of undo.splice(0)) each();
  };
}

type Method = (...args: unknown[]) => unknown;

/** The methods of an instance by its class and base classes, as they are called now. */
function methodsOf(instance: object): ReadonlyMap<string | symbol, Method> {
  const methods = new Map<string | symbol, Method>();
  let level = Object.getPrototypeOf(instance) as object | null;
  for (; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level) as object | null) {
    for (const key of Reflect.ownKeys(level)) {
      if (key === 'constructor' || typeof Object.getOwnPropertyDescriptor(level, key)?.value !== 'function') continue;
      methods.set(key, Reflect.get(instance, key) as Method);
    }
  }
  return methods;
}
