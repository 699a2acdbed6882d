import { LeveretError } from '../errors/leveret-error.js';
import type { Clock } from '../time/clock.js';

/**
 * Runs one attempt of a handler with a limit. When the time is up, `onTimeout` is called (it fires the attempt's
 * signal) and the attempt fails with `LEV_HANDLER_TIMEOUT`. The handler itself cannot be stopped from outside: what it
 * still does, and how it ends, no longer counts.
 */
export function invokeWithin(
  clock: Clock,
  timeoutMs: number,
  invoke: () => unknown,
  onTimeout: (error: LeveretError) => void,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(
      timeoutMs,
      () => {
        const error = new LeveretError(
          'LEV_HANDLER_TIMEOUT',
          `The handler ran longer than its timeout of ${timeoutMs} ms. Pass context.signal to what it calls, or raise the listener's timeout.`,
        );
        reject(error);
        onTimeout(error);
      },
      true,
    );
    callAsync(invoke).then(
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

async function callAsync(invoke: () => unknown): Promise<unknown> {
  return invoke();
}
