import { type Clock, MAX_TIMER_MS } from '@leveret/core';
import { isCorrection, type Timing } from './timing.js';

/** The clock on the wall is looked at this often, more rarely while the beat is far away: it may be set meanwhile. */
const LOOK_AGAIN_MS = 60_000;
const LOOK_AGAIN_SHARE = 1 / 32;

/** The time by the hand that the beats of a timing go by. */
export function timeOf({ hand }: Timing, clock: Clock): number {
  return hand === 'wall' ? clock.now() : clock.monotonic();
}

/** What a wait can come to. */
export interface BeatWait {
  readonly reached: (now: number) => void;
  /** The clock on the wall was set back so far that the time waited for means nothing any more. */
  readonly corrected: (now: number) => void;
}

/**
 * Waits until the hand of the timing shows `begin`, also when the clock on the wall is set meanwhile: set back it takes
 * longer, set forward it ends within a minute, or within a 32nd of what was left.
 * @returns how to end the wait
 */
export function waitForBeat(clock: Clock, timing: Timing, begin: number, then: BeatWait): () => void {
  let cancel = () => {};
  const wait = () => {
    const leftMs = Math.max(begin - timeOf(timing, clock), 0);
    const longestMs = timing.hand === 'wall' ? Math.max(LOOK_AGAIN_MS, leftMs * LOOK_AGAIN_SHARE) : leftMs;
    const waitMs = Math.min(leftMs, longestMs, MAX_TIMER_MS);
    cancel = clock.after(waitMs, () => {
      const now = timeOf(timing, clock);
      if (isCorrection(begin - now - (leftMs - waitMs))) then.corrected(now);
      else if (begin > now) wait();
      else then.reached(now);
    });
  };
  wait();
  return () => cancel();
}
