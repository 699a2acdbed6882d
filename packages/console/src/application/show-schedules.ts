import { redactUrls } from '@leveret/core';
import type { ScheduleJson } from '../contract/contract.js';
import type { ConsoleApplication } from './console-application.js';

/** Shows schedules: when they ran last, with what result, and when they run next. */
export function showSchedules({ schedules }: ConsoleApplication): readonly ScheduleJson[] {
  return schedules.inspect().map(({ id, timing, state, nextAt, last, counts }) => ({
    ...{ id, state },
    rule: timing,
    lastRun: last?.at,
    lastDurationMs: last?.durationMs,
    lastResult: last === undefined ? undefined : resultOf(last.error),
    nextRun: nextAt,
    counts: { ...counts },
  }));
}

function resultOf(error: unknown): string {
  if (error === undefined) return 'succeeded';
  return redactUrls(error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 1000);
}
