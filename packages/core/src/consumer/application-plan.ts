import type { Topology } from '../topology/topology.js';
import type { ListenerDefinition } from './listener-definition.js';

/** A listener as an application would start it. */
export interface PlannedListener {
  readonly id: string;
  readonly queue: string;
  /** Unsettled deliveries per consumer; 0 = no limit. */
  readonly prefetch: number;
  readonly concurrency: number;
  /** Calls of the handler for one delivery. */
  readonly attempts: number;
  /** Waits before redeliveries, in milliseconds. */
  readonly redeliverMs: readonly number[];
  /** Longest run of one attempt; `undefined` for no limit. */
  readonly timeoutMs: number | undefined;
}

/** What an application would declare and consume. JSON holds it. */
export interface ApplicationPlan extends Topology {
  readonly service: string | undefined;
  readonly listeners: readonly PlannedListener[];
}

/** The plan of listeners that were read, and of all that is declared for them. */
export function applicationPlan(
  service: string | undefined,
  topology: Topology,
  definitions: readonly ListenerDefinition[],
): ApplicationPlan {
  const { exchanges, queues, bindings, policies } = topology;
  const listeners = definitions.map(({ id, queue, prefetch, concurrency, retry, redeliver, timeoutMs }) => ({
    id,
    queue,
    prefetch,
    concurrency,
    attempts: retry?.maxAttempts ?? 1,
    redeliverMs: redeliver?.delaysMs ?? [],
    timeoutMs,
  }));
  return { service, exchanges, queues, bindings, policies, listeners };
}
