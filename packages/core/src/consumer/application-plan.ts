import type { RetryPolicy } from '../retry/failure-policy.js';
import { backoffDelayMs } from '../time/backoff.js';
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
  /** Attempts are deliveries of the broker, which counts them: retry is stateful. */
  readonly stateful: boolean;
  /** Longest waits between the attempts of one delivery, which is held for that long, in milliseconds. */
  readonly waitMs: number;
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

/** A delivery is held for all waits of its attempts, or for one when each attempt is a delivery of its own. */
function longestWaitMs({ maxAttempts, stateless, backoff }: RetryPolicy): number {
  const waits = Array.from({ length: maxAttempts - 1 }, (_, index) => backoffDelayMs(backoff, index + 1, () => 1));
  return stateless ? waits.reduce((sum, ms) => sum + ms, 0) : Math.max(0, ...waits);
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
    stateful: retry?.stateless === false,
    waitMs: retry === undefined ? 0 : longestWaitMs(retry),
    redeliverMs: redeliver?.delaysMs ?? [],
    timeoutMs,
  }));
  return { service, exchanges, queues, bindings, policies, listeners };
}
