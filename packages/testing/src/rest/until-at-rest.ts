import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';

/** One reason why an application is not at rest. */
export interface Busy {
  /** The same thing has the same key each time it is looked at. */
  readonly key: unknown;
  /** For a person. */
  readonly text: string;
  /** Code of the user is running. */
  readonly atWork?: boolean;
}

/** How to wait for rest. All times are real ones. */
export interface RestOptions {
  /** What is going on at the moment. */
  readonly look: () => readonly Busy[];
  /** A number that grows with everything that happens. */
  readonly activity: () => number;
  /** How long nothing may have happened before that counts as rest, in milliseconds. */
  readonly quietMs: number;
  /** The wait ends here, by `performance.now()`. */
  readonly endMs: number;
  /**
   * Give up on what is going on when nothing has happened for so long, in milliseconds in which this process ran: while it
   * stands still, nothing can happen. Default: never.
   */
  readonly graceMs?: number;
  /** Keys of what is not waited for. */
  readonly tolerated?: ReadonlySet<unknown>;
}

/** What travels over a socket of this process arrives within a few turns of the event loop. */
const CALM_TURNS = 12;
/** Turns after which looking takes a pause: a handler is at work, and needs the processor itself. */
const EAGER_TURNS = 100;
/** A turn that took longer is one in which the process had to wait for the processor. */
const TURN_MS = 5;

/** Waits until nothing goes on, for several turns of the event loop. Answers what is left: nothing when it is at rest. */
export async function untilAtRest(options: RestOptions): Promise<readonly Busy[]> {
  const { look, activity, quietMs, endMs, graceMs = Number.POSITIVE_INFINITY, tolerated } = options;
  let seen = activity();
  let changedAt = performance.now();
  let lookedAt = changedAt;
  let idleMs = 0;
  let calmTurns = 0;
  for (let turns = 0; ; turns++) {
    if (turns < EAGER_TURNS || calmTurns > 0) await turn();
    else await delay(1);
    const now = performance.now();
    idleMs += Math.min(now - lookedAt, TURN_MS);
    lookedAt = now;
    if (activity() !== seen) {
      seen = activity();
      changedAt = now;
      idleMs = 0;
      calmTurns = 0;
    }
    const busy = look().filter(({ key }) => tolerated?.has(key) !== true);
    if (busy.length === 0 && ++calmTurns >= CALM_TURNS) {
      const quietSince = now - changedAt;
      if (quietSince >= quietMs) return [];
      if (now < endMs) await delay(quietMs - quietSince);
    }
    if (busy.length > 0) {
      calmTurns = 0;
      if (idleMs >= graceMs) return busy;
    }
    if (now >= endMs) return busy.length > 0 ? busy : [{ key: 'activity', text: 'messages come and go without end' }];
  }
}
