import { type Duration, toMilliseconds } from './duration.js';
import { type RealTimer, startTimer, stopTimer } from './timers.js';

/** What the broker's semantics know of time: TTL, expiry, dead-letter timestamps and delivery timeouts go by it. */
export interface Clock {
  /** Whole milliseconds since the clock started. */
  now(): number;
  /** Milliseconds since 1970, for timestamps in headers. */
  wallTime(): number;
  /** Calls back once `delayMs` have passed. */
  schedule(callback: () => void, delayMs: number): ScheduledCall;
}

/** A call that is still to come. */
export interface ScheduledCall {
  /** Forgets the call; harmless when it has happened already. */
  cancel(): void;
}

interface Entry extends ScheduledCall {
  readonly dueAt: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

/** Options of {@link VirtualClock}. */
export interface VirtualClockOptions {
  /** `true` (default) runs with real time and may be advanced on top; `false` stands still until advanced. */
  readonly running?: boolean;
  /** Where wall time starts, in milliseconds since 1970. Default: the real time at construction. */
  readonly startAt?: number;
}

const LONGEST_REAL_DELAY_MS = 2 ** 31 - 1;

/**
 * A clock that can be pushed forward: `advance('1h')` makes everything that would happen within the hour happen now, in
 * order. Between pushes it runs with real time, unless it was made to stand still.
 */
export class VirtualClock implements Clock {
  readonly #running: boolean;
  readonly #startWallMs: number;
  readonly #startRealMs = performance.now();
  #offsetMs = 0;
  #heap: Entry[] = [];
  #order = 0;
  #timer: RealTimer | undefined;
  #timerDueAt = Number.POSITIVE_INFINITY;
  #advancing = false;

  constructor(options: VirtualClockOptions = {}) {
    this.#running = options.running ?? true;
    this.#startWallMs = options.startAt ?? Date.now();
  }

  now(): number {
    return this.#running ? Math.floor(performance.now() - this.#startRealMs + this.#offsetMs) : this.#offsetMs;
  }

  wallTime(): number {
    return this.#startWallMs + this.now();
  }

  schedule(callback: () => void, delayMs: number): ScheduledCall {
    const entry: Entry = {
      dueAt: this.now() + Math.max(0, Math.ceil(delayMs)),
      order: this.#order++,
      callback,
      cancel: () => {
        entry.callback = undefined;
      },
    };
    this.#push(entry);
    this.#arm();
    return entry;
  }

  /** When the next call falls due, on the scale of {@link now}; `undefined` when none is scheduled. */
  get nextDueAt(): number | undefined {
    return this.#peek()?.dueAt;
  }

  /**
   * Moves time forward and runs, in order and before it returns, everything that falls due on the way.
   *
   * @throws {TypeError} when the duration is negative or unreadable
   */
  advance(duration: Duration): void {
    const target = this.now() + Math.round(toMilliseconds(duration));
    this.#advancing = true;
    try {
      for (let entry = this.#peek(); entry !== undefined && entry.dueAt <= target; entry = this.#peek()) {
        this.#moveTo(entry.dueAt);
        this.#pop();
        const callback = entry.callback;
        entry.callback = undefined;
        callback?.();
      }
      this.#moveTo(target);
    } finally {
      this.#advancing = false;
      // What the timer waits for has come nearer.
      this.#disarm();
      this.#arm();
    }
  }

  /** Forgets every scheduled call and holds no timer any more. */
  stop(): void {
    this.#heap = [];
    this.#disarm();
  }

  #moveTo(time: number): void {
    this.#offsetMs += Math.max(0, time - this.now());
  }

  #disarm(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
    this.#timerDueAt = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    if (!this.#running || this.#advancing) return;
    const next = this.#peek();
    if (next === undefined || next.dueAt >= this.#timerDueAt) return;
    stopTimer(this.#timer);
    this.#timerDueAt = next.dueAt;
    const delay = Math.min(Math.max(0, next.dueAt - this.now()), LONGEST_REAL_DELAY_MS);
    this.#timer = startTimer(() => this.#fire(), delay);
    // Time alone is no reason for a process to stay alive.
    this.#timer.unref();
  }

  #fire(): void {
    this.#timer = undefined;
    this.#timerDueAt = Number.POSITIVE_INFINITY;
    const now = this.now();
    for (let entry = this.#peek(); entry !== undefined && entry.dueAt <= now; entry = this.#peek()) {
      this.#pop();
      const callback = entry.callback;
      entry.callback = undefined;
      callback?.();
    }
    this.#arm();
  }

  #peek(): Entry | undefined {
    while (this.#heap.length > 0 && this.#heap[0]?.callback === undefined) this.#pop();
    return this.#heap[0];
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    heap.push(entry);
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!comesFirst(heap[child], heap[parent])) break;
      swap(heap, child, parent);
      child = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return;
    heap[0] = last;
    let parent = 0;
    for (;;) {
      const left = parent * 2 + 1;
      const right = left + 1;
      let first = parent;
      if (left < heap.length && comesFirst(heap[left], heap[first])) first = left;
      if (right < heap.length && comesFirst(heap[right], heap[first])) first = right;
      if (first === parent) return;
      swap(heap, parent, first);
      parent = first;
    }
  }
}

function comesFirst(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}

function swap(heap: Entry[], i: number, j: number): void {
  const a = heap[i];
  const b = heap[j];
  if (a === undefined || b === undefined) return;
  heap[i] = b;
  heap[j] = a;
}
