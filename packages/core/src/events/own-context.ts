import { AsyncResource } from 'node:async_hooks';

/** Calls a function in another async context, and answers what it answers. */
export type Enter = <T>(work: () => T) => T;

/**
 * Keeps the async context of this moment (what `AsyncLocalStorage` holds, a trace's span, say), for code of the user's that
 * is called later: each call begins in it, and what one call enters with `enterWith` is gone at the next.
 */
export function keepContext(): Enter {
  const kept = new AsyncResource(NAME, UNTRACKED);
  // Each call in a resource of its own, made in the kept one: `enterWith` changes the resource that is current.
  return (work) => kept.runInAsyncScope(enterAnew, undefined, work) as ReturnType<typeof work>;
}

/** The function, in the async context of this moment whenever it is called. */
export function inContext<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
  const enter = keepContext();
  return (...args) => enter(() => callback(...args));
}

const NAME = 'leveret';
/** Nobody waits for the end of such a resource. */
const UNTRACKED = { requireManualDestroy: true };

function enterAnew<T>(work: () => T): T {
  return new AsyncResource(NAME, UNTRACKED).runInAsyncScope(work);
}
