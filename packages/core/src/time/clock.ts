import { MAX_TIMER_MS } from './duration.js';

/**
 * Time as leveret sees it. Everything that waits takes a clock, so that tests move time by hand. It has two hands: the clock
 * on the wall may be set at any moment, by a person or by a time server, and so says what is written down but never how long
 * something has to wait.
 */
export interface Clock {
  /** Milliseconds since the epoch by the clock on the wall: for stamps such as headers, and for cron patterns. */
  now(): number;
  /**
   * Milliseconds since a moment that is nobody's business: only differences mean something. Never goes back, and never jumps
   * when the clock on the wall is set. For every wait, deadline, age and duration.
   */
  monotonic(): number;
  /** Calls back once after `ms`, by the monotonic hand; the result cancels it. A pending timer never keeps the process alive by itself unless `keepAlive` is set. */
  after(ms: number, callback: () => void, keepAlive?: boolean): () => void;
}

/** The real time of this process. What is longer than a timer of Node can be waits as long as one can. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback, keepAlive = false) {
    const timer = setTimeout(callback, Math.min(ms, MAX_TIMER_MS));
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves to `'elapsed'` after `ms`, or to `'aborted'` as soon as the signal fires. Never rejects, and leaves neither a
 * timer nor a listener behind.
 */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<'elapsed' | 'aborted'> {
  if (signal?.aborted === true) return Promise.resolve('aborted');
  return new Promise((resolve) => {
    const onAbort = () => {
      cancel();
      resolve('aborted');
    };
    const cancel = clock.after(
      ms,
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve('elapsed');
      },
      true,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Settles as `work` does, or resolves to `onTimeout()` once `ms` have passed. A rejection of `work` after that is
 * swallowed: its owner reports it.
 */
export function within<T, U>(clock: Clock, ms: number, work: Promise<T>, onTimeout: () => U): Promise<T | U> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(
      ms,
      () => {
        try {
          resolve(onTimeout());
        } catch (error) {
          reject(error);
        }
      },
      true,
    );
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
