/** When the beats of a schedule are, in milliseconds by one hand of the clock. */
export interface Timing {
  /** `monotonic`: beats at a distance, whatever the clock on the wall says. `wall`: beats at times of day. */
  readonly hand: 'monotonic' | 'wall';
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
    hand: 'monotonic',
    text: `every ${everyMs} ms`,
    first: (now) => now + everyMs,
    following(due, now) {
      const passed = Math.max(Math.floor((now - due) / everyMs), 0);
      return due + (passed + 1) * everyMs;
    },
  };
}

let Cron: typeof import('croner').Cron | undefined;

/** Loads what {@link cronTiming} reads patterns with. Programs without schedules never do. */
export async function loadCron(): Promise<void> {
  Cron ??= (await import('croner')).Cron;
}

/**
 * Beats by a cron pattern. Needs {@link loadCron}.
 * @param timezone of the pattern; default: the one of this process
 * @throws {TypeError} when pattern or time zone are none, {RangeError} when no beat ever comes
 */
export function cronTiming(pattern: string, timezone: string | undefined, now: number): Timing {
  if (Cron === undefined) throw new Error('croner was not loaded: await loadCron() before');
  const cron = new Cron(pattern, { paused: true, ...(timezone !== undefined && { timezone }) });
  const next = (after: number): number | undefined => cron.nextRun(new Date(after))?.getTime();
  if (next(now) === undefined) throw new RangeError('no moment to come fits the pattern');
  return {
    hand: 'wall',
    text: timezone === undefined ? `cron ${pattern}` : `cron ${pattern} (${timezone})`,
    first: next,
    // A beat that has run does not run again when the clock is set back over it.
    following: (due, at) => next(isCorrection(due - at) ? at : Math.max(due, at)),
  };
}

/** A clock that goes back so far was wrong before: waiting for the times that it showed might take a year. */
const CORRECTION_MS = 3 * 3_600_000;

/** Whether the clock on the wall was set back by so much that what it showed before is not believed any more. */
export function isCorrection(setBackMs: number): boolean {
  return setBackMs > CORRECTION_MS;
}
