import { LeveretError } from '@leveret/core';

/**
 * Lets the promise of something say that it was not waited for, where it is used as that thing. The compiler says so as well; plain
 * JavaScript would find nothing there.
 * @param members what the thing has, and its promise has not
 * @param line how it is waited for
 */
export function notAwaited<T>(promise: Promise<T>, members: readonly (string | symbol)[], line: string): Promise<T> {
  for (const name of members.filter((member) => !(member in promise))) {
    Object.defineProperty(promise, name, {
      get(): never {
        const text = `${String(name)} was asked of a promise: it is there when the promise has been waited for. ${line}`;
        throw new LeveretError('LEV_INVALID_STATE', text);
      },
      enumerable: false,
      configurable: true,
    });
  }
  return promise;
}
