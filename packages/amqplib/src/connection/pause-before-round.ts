import type { Clock } from '@leveret/core';
import type { Door, Knock } from './knock.js';

/** How a pause between two rounds passes. */
export interface Pause<D extends Door> {
  readonly inMs: number;
  /** The hosts at which nobody was home. */
  readonly doors: readonly D[];
  /** The pause before the next knock; `undefined` for none. */
  knockPauseMs(): number | undefined;
}

/**
 * Waits for the next round: until its time has come, or until somebody is at one of the doors again. Then calls back,
 * once, with the door that was answered. Keeps the process alive: an application that consumes must outlive its broker's
 * restart.
 * @returns ends the wait without a call
 */
export function pauseBeforeRound<D extends Door>(
  pause: Pause<D>,
  clock: Clock,
  knock: Knock,
  begin: (answered: D | undefined) => void,
): () => void {
  const over = new AbortController();
  const cancelTimers = new Set<() => void>();
  const cancel = () => {
    over.abort();
    for (const cancelTimer of cancelTimers) cancelTimer();
  };
  const end = (answered: D | undefined) => {
    if (over.signal.aborted) return;
    cancel();
    begin(answered);
  };
  cancelTimers.add(clock.after(pause.inMs, () => end(undefined), true));
  const knockLater = (door: D): void => {
    const inMs = pause.knockPauseMs();
    if (inMs === undefined || over.signal.aborted) return;
    const cancelTimer = clock.after(inMs, () => {
      cancelTimers.delete(cancelTimer);
      knock(door, over.signal).then((answered) => (answered ? end(door) : knockLater(door)));
    });
    cancelTimers.add(cancelTimer);
  };
  for (const door of pause.doors) knockLater(door);
  return cancel;
}
