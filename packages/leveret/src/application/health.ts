import type { ConnectionHealth, ListenerSnapshot } from '@leveret/core';
import type { ScheduleSnapshot } from '../schedule/schedule.js';

/**
 * How an application is.
 *
 * | status | when |
 * |---|---|
 * | `up` | every connection stands, and every listener that is to run has all its consumers |
 * | `degraded` | something is amiss, but not everything: a connection or a consumer is gone, a listener failed, publishing is blocked |
 * | `down` | it is not running, or no connection stands |
 */
export interface Health {
  readonly status: 'up' | 'degraded' | 'down';
  /** Those that the application uses. */
  readonly connections: readonly ConnectionHealth[];
  readonly listeners: readonly ListenerSnapshot[];
  /** A run that failed is no fault of the application: look at their counts. */
  readonly schedules: readonly ScheduleSnapshot[];
}

/** Judges what connections and listeners say of themselves. A listener that was stopped on purpose is no fault. */
export function judgeHealth(
  running: boolean,
  connections: readonly ConnectionHealth[],
  listeners: readonly ListenerSnapshot[],
  schedules: readonly ScheduleSnapshot[],
): Health {
  return { status: statusOf(running, connections, listeners), connections, listeners, schedules };
}

function statusOf(
  running: boolean,
  connections: readonly ConnectionHealth[],
  listeners: readonly ListenerSnapshot[],
): Health['status'] {
  if (!running || !connections.some(({ state }) => state === 'connected')) return 'down';
  const connected = connections.every(({ state, blocked }) => state === 'connected' && !blocked);
  const attached = listeners.every(
    ({ state, attached: now, concurrency }) => state === 'stopped' || (state === 'running' && now === concurrency),
  );
  return connected && attached ? 'up' : 'degraded';
}
