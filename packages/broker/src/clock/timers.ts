// Taken once at load: a test that installs fake timers later must not stop the broker's sockets.
const { setTimeout: startTimeout, clearTimeout: stopTimeout, setImmediate: startImmediate } = globalThis;

/** A running real-time timer. */
export type RealTimer = ReturnType<typeof startTimeout>;

/** Calls back after real milliseconds, whatever fake timers a test has installed. */
export function startTimer(callback: () => void, delayMs: number): RealTimer {
  return startTimeout(callback, delayMs);
}

/** Stops a timer of {@link startTimer}; `undefined` is ignored. */
export function stopTimer(timer: RealTimer | undefined): void {
  if (timer !== undefined) stopTimeout(timer);
}

/** Calls back once the input of this event-loop turn has been handled. */
export function afterThisTurn(callback: () => void): void {
  startImmediate(callback);
}
