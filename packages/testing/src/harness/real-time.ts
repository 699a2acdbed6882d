// The module's own: a test may have faked the globals.
import { clearTimeout, setTimeout } from 'node:timers';

/** Settles as `work` does, or rejects with `late()` when that takes longer than `ms` of real time. */
export async function inRealTime<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
