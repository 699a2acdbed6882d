/** What happened to a schedule. */
export type ScheduleEvent = { readonly scheduleId: string } & (
  | { readonly type: 'schedule-succeeded'; readonly durationMs: number }
  /** The method threw or ran past its timeout, or the store of `runOnOneInstance` failed. The next run comes at its beat. */
  | { readonly type: 'schedule-failed'; readonly error: unknown; readonly durationMs: number }
  /** A beat without a run: the one before is still running, or another instance runs. */
  | { readonly type: 'schedule-skipped'; readonly reason: 'running' | 'elsewhere' }
);
