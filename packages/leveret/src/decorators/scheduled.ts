import type { Duration } from '@leveret/core';
import { decorator, placeOf } from './decorator-place.js';
import type { ScheduleDecorator } from './decorator-types.js';
import type { StoreReference } from './idempotent.js';

/** The beats of a schedule: at equal distances, or by a cron pattern. */
export type ScheduleTimes =
  /** From one beat to the next, above 0: a run that takes longer than that skips beats, and moves none. */
  | { readonly every: Duration }
  /**
   * A cron pattern of five parts, or six with seconds first, in the time zone of this process, or the one named such as
   * `Europe/Berlin`.
   * @see https://croner.56k.guru/usage/pattern/
   */
  | { readonly cron: string; readonly timezone?: string };

/** Options of {@link Scheduled}. */
export interface ScheduleOptions {
  /** Name for look-up, logs and the lease. Unique. Default `Class.method`, with `#2` and so on for further schedules of a method. */
  readonly id?: string;
  /** Each run begins later by up to this, at random, so that instances do not all ask at once. Default 0. */
  readonly jitter?: Duration;
  /** Run once as soon as the application has started, then at each beat. Default `false`: the first run is at the first beat. */
  readonly immediate?: boolean;
  /** When a run takes longer, its signal fires and it counts as failed. Default: no limit. */
  readonly timeout?: Duration;
  /**
   * When several instances of the application run, one of them runs at each beat: it claims the schedule in a store that
   * all of them share. `true` takes the application's store (`idempotency: { store }`). Default: each instance runs.
   */
  readonly runOnOneInstance?: boolean | RunOnOneInstanceOptions;
}

/** Options of `runOnOneInstance`. */
export interface RunOnOneInstanceOptions {
  /** Where the schedule is claimed. Default: the application's idempotency store. */
  readonly store?: StoreReference;
  /** When the instance that runs dies, another can run once this has passed. Renewed while it runs. Default 1 minute. */
  readonly lease?: Duration;
}

/**
 * Calls a method again and again: to look for what no message told of. The method gets an `AbortSignal` that fires when
 * its time is up, or when the application can wait no longer for it.
 *
 * | what happens | then |
 * |---|---|
 * | a run takes longer than to the next beat | that beat is skipped: a schedule never overlaps itself |
 * | a run throws | it is logged and counted, and the next one comes at its beat |
 * | the application closes | no further run begins; a running one is waited for, within `shutdownTimeout` |
 *
 * ```ts
 * @Scheduled({ every: '20s' }, { jitter: '2s' })
 * async reconcile(signal: AbortSignal) { ... }
 * ```
 *
 * For methods of listener classes, and of the classes in `Leveret.start({ schedules })`.
 */
export function Scheduled(times: ScheduleTimes, options: ScheduleOptions = {}): ScheduleDecorator {
  return decorator((target, key, descriptor) => {
    const place = placeOf('@Scheduled', target, key, descriptor);
    if (place.kind === 'method') place.record.schedules.unshift({ times, options });
  });
}
