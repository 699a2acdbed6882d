import type { ScheduleOptions, ScheduleTimes } from '../decorators/scheduled.js';
import { type Declared, declare } from './declared-function.js';

/** Options of {@link schedule}: those of `@Scheduled`, with a name. */
export type ScheduleFunctionOptions = ScheduleTimes &
  Omit<ScheduleOptions, 'id'> & {
    /** Name for look-up, logs and the lease. Unique. */
    readonly id: string;
  };

/** What {@link schedule} makes: the function, which `Leveret.start({ schedules })` takes. */
export type DeclaredSchedule<Call = unknown> = Call & Declared<'schedule'>;

/**
 * Calls a plain function again and again, as `@Scheduled` does with a method.
 *
 * ```ts
 * const reconcile = schedule({ id: 'reconcile', every: '20s', jitter: '2s' }, async (signal) => { ... });
 * await Leveret.start({ schedules: [reconcile] });
 * ```
 * @param call gets an `AbortSignal` that fires when its time is up, or the application can wait no longer
 */
export function schedule<Call extends (signal: AbortSignal) => unknown>(
  options: ScheduleFunctionOptions,
  call: Call,
): DeclaredSchedule<Call> {
  return declare({ kind: 'schedule', options, call });
}
