import type { Schedule, ScheduleSnapshot } from '../schedule/schedule.js';
import { Registry } from './registry.js';

/** A schedule as the application controls it. */
export type RunningSchedule = Pick<Schedule, 'id' | 'start' | 'stop' | 'run' | 'inspect'>;

/** The schedules of an application, by id. */
export class ScheduleRegistry extends Registry<RunningSchedule, ScheduleSnapshot> {
  constructor(schedules: readonly RunningSchedule[]) {
    super('schedule', schedules);
  }
}
