// Taken before a test can put another in its place: fake timers must not hold back what was settled.
const immediate = setImmediate;

let waiting: (() => void)[] = [];

/**
 * Runs some work when the event loop has handled what it found in this turn: sockets, timers and the promises behind them.
 * All that was asked for in a turn runs in one go, so that what it writes leaves together. The work may not throw.
 */
export function atEndOfTurn(work: () => void): void {
  if (waiting.length === 0) immediate(endTurn);
  waiting.push(work);
}

/** Runs now what waits for the end of the turn, as before a connection is closed. */
export function endTurn(): void {
  const all = waiting;
  waiting = [];
  for (const work of all) work();
}
