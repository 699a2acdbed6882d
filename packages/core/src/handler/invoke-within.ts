import { LeveretError } from '../errors/leveret-error.js';
import type { Clock } from '../time/clock.js';

/**
 * Runs one attempt of a handler with a limit. When the time is up, `onTimeout` is called (it fires the attempt's
 * signal) and the attempt fails with `LEV_HANDLER_TIMEOUT`: that is its result. The handler itself cannot be stopped from
 * outside: how it ends no longer counts, but `onEnd` tells when, be it in time or long after.
 */
export function invokeWithin(
  clock: Clock,
  timeoutMs: number,
  invoke: () => unknown,
  onTimeout: (error: LeveretError) => void,
  onEnd: () => void = () => {},
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
    const ended = () => {
      cancel();
      onEnd();
    };
    callAsync(invoke).then(
      (value) => {
        ended();
        resolve(value);
      },
      (error: unknown) => {
        ended();
        reject(error);
      },
    );
  });
}

async function callAsync(invoke: () => unknown): Promise<unknown> {
  return invoke();
}
