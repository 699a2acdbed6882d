import type { Clock } from '@leveret/core';

/**
 * Does the work again and again, each time so long after it has ended; answers how to stop that. Never keeps the process alive. The
 * work must not reject.
 */
export function every(clock: Clock, ms: number, work: () => void | Promise<void>): () => void {
  let cancel = () => {};
  let isStopped = false;
  const next = () => {
    cancel = clock.after(ms, async () => {
      await work();
      if (!isStopped) next();
    });
  };
  next();
  return () => {
    isStopped = true;
    cancel();
  };
}
