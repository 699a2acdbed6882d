import { Cron } from 'croner';

/** When the beats of a schedule are, in milliseconds since the epoch. */
export interface Timing {
  /** For people, such as `every 20000 ms`. */
  readonly text: string;
  /** The first beat after `now`. A cron pattern with years has a last one: `undefined` behind it. */
  first(now: number): number | undefined;
  /** The beat after the one at `due`; when `now` is past that one already, the next that is still to come. */
  following(due: number, now: number): number | undefined;
}

/** Beats at equal distances from the first. */
export function everyTiming(everyMs: number): Timing {
  return {
    text: `every ${everyMs} ms`,
    first: (now) => now + everyMs,
    following(due, now) {
      const passed = Math.max(Math.floor((now - due) / everyMs), 0);
      // Not further away than one beat: the clock of the machine may have been set back.
      return Math.min(due + (passed + 1) * everyMs, now + everyMs);
    },
  };
}

/**
 * Beats by a cron pattern.
 * @param timezone of the pattern; default: the one of this process
 * @throws {TypeError} when pattern or time zone are none, {RangeError} when no beat ever comes
 */
export function cronTiming(pattern: string, timezone: string | undefined, now: number): Timing {
  const cron = new Cron(pattern, { paused: true, ...(timezone !== undefined && { timezone }) });
  const next = (after: number): number | undefined => cron.nextRun(new Date(after))?.getTime();
  if (next(now) === undefined) throw new RangeError('no moment to come fits the pattern');
  return {
    text: timezone === undefined ? `cron ${pattern}` : `cron ${pattern} (${timezone})`,
    first: next,
    following: (due, at) => next(Math.max(due, at)),
  };
}
