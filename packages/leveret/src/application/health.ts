import type { ConnectionHealth, ListenerSnapshot, StoreConcern, Unanswered } from '@leveret/core';
import type { ScheduleSnapshot } from '../schedule/schedule.js';
import type { PartHealth } from './application-parts.js';
import type { StoreHealth } from './store-watch.js';

/**
 * How an application is.
 *
 * | status | when |
 * |---|---|
 * | `up` | every connection stands, and every listener that is to run has all its consumers |
 * | `degraded` | something is amiss, but not everything: a connection or a consumer is gone, a listener failed or is paused, publishing is blocked, the broker has not answered something for 5 s, a store cannot be reached, forgets early or is another application's too, a relay cannot read its outbox, cannot publish, or has parked messages |
 * | `down` | it is not running, or no connection stands |
 */
export interface Health {
  readonly status: 'up' | 'degraded' | 'down';
  /** Those that the application uses. */
  readonly connections: readonly ConnectionHealth[];
  readonly listeners: readonly ListenerSnapshot[];
  /** A run that failed is no fault of the application: look at their counts. */
  readonly schedules: readonly ScheduleSnapshot[];
  /** What keeps keys that outlive the process, and can say how it is. `undefined` where nothing does. */
  readonly stores: StoreHealth | undefined;
  /** What works beside the listeners, such as relays that publish through `app.publisher`. */
  readonly parts: readonly PartHealth[];
  /** What the broker has not answered for 5 s or longer: publishes of a destination, consumers, declarations. Looked for every second. */
  readonly standstills: readonly Unanswered[];
}

/** Judges what connections and listeners say of themselves. A listener that was stopped on purpose is no fault. */
export function judgeHealth(
  running: boolean,
  connections: readonly ConnectionHealth[],
  listeners: readonly ListenerSnapshot[],
  schedules: readonly ScheduleSnapshot[],
  stores: StoreHealth | undefined,
  parts: readonly PartHealth[],
  standstills: readonly Unanswered[],
): Health {
  const well = standstills.length === 0 && parts.every(({ concerns }) => concerns.length === 0);
  const status = statusOf(running, connections, listeners, stores, well);
  return { status, connections, listeners, schedules, stores, parts, standstills };
}

function statusOf(
  running: boolean,
  connections: readonly ConnectionHealth[],
  listeners: readonly ListenerSnapshot[],
  stores: StoreHealth | undefined,
  restIsWell: boolean,
): Health['status'] {
  if (!running || !connections.some(({ state }) => state === 'connected')) return 'down';
  const connected = connections.every(({ state, blocked }) => state === 'connected' && !blocked);
  const attached = listeners.every(
    ({ state, attached: now, wanted }) => state === 'stopped' || (state === 'running' && now === wanted),
  );
  const safe = stores?.concerns.some(({ kind }) => AMISS.has(kind)) !== true;
  return connected && attached && safe && restIsWell ? 'up' : 'degraded';
}

/** What costs messages as it is; the rest is shown. */
const AMISS: ReadonlySet<StoreConcern['kind']> = new Set(['service-conflict', 'forgets-early', 'unreachable']);
