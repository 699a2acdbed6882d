import { Bag, type Placed } from '../collections/bag.js';
import { type Clock, systemClock } from './clock.js';

interface Wait extends Placed {
  readonly due: number;
  /** Of two that are due at the same moment, the one that was begun first is called first. */
  readonly number: number;
  readonly callback: () => void;
}

/**
 * The same clock for waits that nearly always end before their time, such as limits: all share one timer, so that one which
 * is begun and cancelled costs next to nothing. The timer never keeps the process alive.
 */
export function withOneTimer(clock: Clock): Clock {
  const waits = new Bag<Wait>();
  let begun = 0;
  let armed: { readonly due: number; readonly cancel: () => void } | undefined;

  const arm = (due: number) => {
    if (armed !== undefined && armed.due <= due) return;
    armed?.cancel();
    armed = { due, cancel: clock.after(Math.max(0, due - clock.monotonic()), fire) };
  };
  const fire = () => {
    armed = undefined;
    const now = clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    const over: Wait[] = [];
    for (const wait of waits.items) {
      if (wait.due <= now) over.push(wait);
      else next = Math.min(next, wait.due);
    }
    if (next !== Number.POSITIVE_INFINITY) arm(next);
    // One that is over may cancel another.
    for (const wait of over.sort((a, b) => a.due - b.due || a.number - b.number))
      if (waits.delete(wait)) wait.callback();
  };

  return {
    now: clock.now.bind(clock),
    monotonic: clock.monotonic.bind(clock),
    after(ms, callback) {
      const wait: Wait = { due: clock.monotonic() + ms, number: begun++, callback, place: 0 };
      waits.add(wait);
      arm(wait.due);
      return () => waits.delete(wait);
    },
  };
}

/** Of the system's clock, one that makes limits cheap. Another is moved by hand, and is to show each wait. */
export function forLimits(clock: Clock): Clock {
  return clock === systemClock ? withOneTimer(clock) : clock;
}
