import { LeveretError } from '../errors/leveret-error.js';
import type { Clock } from '../time/clock.js';
import type { AttemptContext } from './attempt-context.js';

/**
 * - `stopping`: the listener is being stopped; waits end, a running handler goes on.
 * - `channel-gone`: the delivery can no longer be settled; waits end and the handler's signal fires.
 * - `deadline`: the shutdown can wait no longer; the handler's signal fires.
 * - `paused`: the listener takes nothing more; waits end, a running handler goes on. Nothing stays of it, for a pause ends.
 */
export type Interruption = 'stopping' | 'channel-gone' | 'deadline' | 'paused';

/** The interruptions that are for good. */
type Lasting = Exclude<Interruption, 'paused'>;

/** The part of a delivery that can be interrupted: its waits, and the signal of the attempt at hand. */
export class Interruptible {
  readonly #clock: Clock;
  /** The attempt at hand. */
  #context: AttemptContext | undefined;
  /** Ends the wait at hand. */
  #wake: (() => void) | undefined;
  #why: Lasting | undefined;
  /** The ends of attempts that ran on behind their results. */
  #stillRunning: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why waiting, or going on, is of no use. */
  get why(): Lasting | undefined {
    return this.#why;
  }

  /** Nothing that the handler still does can settle the delivery, or be waited for. */
  get isHopeless(): boolean {
    return this.#why !== undefined && this.#why !== 'stopping';
  }

  interrupt(why: Interruption): void {
    if (why !== 'paused' && (why !== 'stopping' || this.#why === undefined)) this.#why = why;
    this.#wake?.();
    this.#abortIfHopeless();
  }

  /** An attempt begins. It may have been interrupted while its message was read, or its guard was asked. */
  handles(context: AttemptContext): void {
    this.#context = context;
    this.#abortIfHopeless();
  }

  /** The attempt at hand, if there is one, is over. */
  attemptEnded(failure?: { readonly error: unknown }): void {
    const context = this.#context;
    if (context === undefined) return;
    if (failure !== undefined) context.failed(failure.error);
    this.#context = undefined;
    const before = this.#stillRunning;
    const running = context.stillRunning();
    if (running !== undefined) this.#stillRunning = before === undefined ? running : running.then(() => before);
  }

  /** Resolves when nothing of any attempt runs any more; `undefined` when each had ended with its result. */
  get stillRunning(): Promise<void> | undefined {
    return this.#stillRunning;
  }

  /** Resolves when the time has passed, or as soon as there is an interruption. */
  wait(delayMs: number): Promise<void> {
    if (this.#why !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
      const cancel = this.#clock.after(delayMs, wake, true);
      this.#wake = wake;
    });
  }

  #abortIfHopeless(): void {
    if (this.#why === undefined || this.#why === 'stopping') return;
    this.#context?.abort(new LeveretError('LEV_CHANNEL_CLOSED', ABORT_TEXT[this.#why]));
  }
}

const ABORT_TEXT: Readonly<Record<'channel-gone' | 'deadline', string>> = {
  'channel-gone': 'The channel of this delivery is gone: the broker delivers the message again.',
  deadline: 'The listener is shutting down and can wait no longer: the broker delivers the message again.',
};

/** Causes deeper than this are not looked at: a chain may be a ring. */
const DEEPEST = 32;

/**
 * Whether an attempt says that it failed because its signal fired: by the signal's reason, or by the error that Node and
 * the web's functions throw then. Never throws.
 */
export function isInterruption(error: unknown): boolean {
  try {
    let each = error;
    for (let depth = 0; depth < DEEPEST && typeof each === 'object' && each !== null; depth++) {
      if (LeveretError.is(each) && each.code === 'LEV_CHANNEL_CLOSED') return true;
      const { name, code, cause } = each as { name?: unknown; code?: unknown; cause?: unknown };
      if (name === 'AbortError' || code === 'ABORT_ERR') return true;
      each = cause;
    }
  } catch {
    // A cause that cannot be read says nothing.
  }
  return false;
}
