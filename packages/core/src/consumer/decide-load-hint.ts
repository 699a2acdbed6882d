import type { LoadSnapshot } from './listener-load.js';

/** Handlers are at work nearly all the time. */
const BUSY = 0.9;
/** And there is hardly anything to compute meanwhile. */
const WAITING = 0.7;

/** Whether more handlers at a time would help: all are at work, and they wait. Then it is worth asking how long the queue is. */
export function onlyWaits({ busy, waiting }: LoadSnapshot): boolean {
  return busy >= BUSY && waiting !== undefined && waiting >= WAITING;
}

/** Whether a person should hear of it: the queue was longer after each of three such windows in a row. */
export function growsWhileWaiting(lengths: readonly number[]): boolean {
  const [first, second, third] = lengths.slice(-3);
  return first !== undefined && second !== undefined && third !== undefined && first < second && second < third;
}
