/** How much a listener had to do lately. */
export interface LoadSnapshot {
  /** Share of the time of its consumers in which a handler was at work, from 0 to 1. */
  readonly busy: number;
  /**
   * Share of the time with a handler at work in which this process had nothing to compute, from 0 to 1: its handlers waited, for
   * a database or another service. `undefined` where the runtime does not tell how idle it is.
   */
  readonly waiting: number | undefined;
  /** The time that both are about, in milliseconds. */
  readonly overMs: number;
}

/** Long enough to mean something, short enough to follow the day. */
const WINDOW_MS = 10_000;

/** Measures how busy the consumers of a listener are, over windows of 10 s, from the beginnings and ends of their handlers. */
export class ListenerLoad {
  readonly #consumers: number;
  /** How long the event loop has been idle, in milliseconds, as the runtime counts it. */
  readonly #idleMs: () => number | undefined;
  readonly #onWindow: (load: LoadSnapshot) => void;
  #atWork = 0;
  #last: number;
  /** Time at work, of all consumers together, and of any of them. */
  #busyMs = 0;
  #anyMs = 0;
  #began: number;
  #idleBefore: number | undefined;
  #closed: { readonly load: LoadSnapshot; readonly at: number } | undefined;

  /** @param onWindow told of each window as it closes, which is when a handler begins or ends after it */
  constructor(
    consumers: number,
    now: number,
    onWindow: (load: LoadSnapshot) => void = () => {},
    idleMs: () => number | undefined = loopIdleMs,
  ) {
    this.#consumers = consumers;
    this.#onWindow = onWindow;
    this.#idleMs = idleMs;
    this.#last = now;
    this.#began = now;
    this.#idleBefore = idleMs();
  }

  /** A handler begins. */
  began(now: number): void {
    this.#pass(now);
    this.#atWork++;
  }

  /** A handler has ended. */
  ended(now: number): void {
    this.#pass(now);
    this.#atWork--;
  }

  /** The last whole window, or what there is of the first one. */
  snapshot(now: number): LoadSnapshot {
    this.#count(now);
    if (this.#closed !== undefined && now - this.#closed.at < WINDOW_MS) return this.#closed.load;
    return this.#measure(now);
  }

  #pass(now: number): void {
    this.#count(now);
    if (now - this.#began < WINDOW_MS) return;
    const load = this.#measure(now);
    this.#closed = { load, at: now };
    this.#began = now;
    this.#busyMs = 0;
    this.#anyMs = 0;
    this.#idleBefore = this.#idleMs();
    this.#onWindow(load);
  }

  #count(now: number): void {
    const passed = now - this.#last;
    this.#last = now;
    this.#busyMs += this.#atWork * passed;
    if (this.#atWork > 0) this.#anyMs += passed;
  }

  #measure(now: number): LoadSnapshot {
    const overMs = now - this.#began;
    const busy = overMs === 0 ? 0 : Math.min(1, this.#busyMs / (overMs * this.#consumers));
    return { busy, waiting: this.#waiting(overMs), overMs };
  }

  /** Whatever was idle without a handler at work is taken off first. */
  #waiting(overMs: number): number | undefined {
    const idle = this.#idleMs();
    if (idle === undefined || this.#idleBefore === undefined) return undefined;
    if (this.#anyMs === 0) return 0;
    const idleAtWork = idle - this.#idleBefore - (overMs - this.#anyMs);
    return Math.min(1, Math.max(0, idleAtWork / this.#anyMs));
  }
}

function loopIdleMs(): number | undefined {
  const { idle, active } = performance.eventLoopUtilization?.() ?? { idle: 0, active: 0 };
  return idle === 0 && active === 0 ? undefined : idle;
}
