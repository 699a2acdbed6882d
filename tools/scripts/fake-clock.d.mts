/** Types of fake-clock.mjs. */

/** A clock that stands still until a test moves it: a `Clock` of `@leveret/core`. */
export declare class FakeClock {
  /** What the clock on the wall says at first, in milliseconds since 1970. Default: the beginning of 2026, UTC. */
  constructor(now?: number);
  now(): number;
  /** Begins far from 0, so that who takes a reading of it for a duration is found out. */
  monotonic(): number;
  /** How far the test has moved it, in milliseconds. */
  get elapsed(): number;
  after(ms: number, callback: () => void, keepAlive?: boolean): () => void;
  /** Milliseconds until each timer that waits, shortest first. */
  get waits(): readonly number[];
  /** Of these, the ones that keep the process alive. */
  get waitsForUs(): readonly number[];
  /** Sets the clock on the wall, without time passing. */
  setWall(now: number): void;
  /** Lets time pass within an answer: timers that are due then fire with the next {@link advance}. */
  pass(ms: number): void;
  /** Moves time, firing each timer at its moment and letting what it started go as far as it can. */
  advance(ms: number): Promise<void>;
}

/** One turn of the event loop: whatever promises could settle have settled. */
export declare function turn(): Promise<void>;
