import type { Failure } from './failure.js';

/** Where a retried message goes. */
export interface RetryTarget {
  /** `''` is the default exchange: the routing key names the queue. */
  readonly exchange: string;
  readonly routingKey: string;
}

/** What a person asked for. */
export interface TargetChoice {
  /** To this queue, whatever the messages say. */
  readonly to?: string | undefined;
  /** `queue` (default): to the one queue that failed. `exchange`: to where the message was first published, and all its queues. */
  readonly via?: 'queue' | 'exchange' | undefined;
}

/** Which queues an exchange hands a message to; `undefined` when nobody can tell. */
export type RoutesOf = (exchange: string, routingKey: string) => readonly string[] | undefined;

/** A target, or why there is none, for people. */
export type TargetDecision =
  | { readonly kind: 'target'; readonly target: RetryTarget }
  | { readonly kind: 'none'; readonly why: string };

/** Decides where a message goes back to: to the one right queue, or to its exchange when that was asked for. */
export function decideTarget(failure: Failure, choice: TargetChoice, routesOf: RoutesOf): TargetDecision {
  if (choice.to !== undefined) return toQueue(choice.to);
  const { exchange, routingKey, queue } = failure;
  if (choice.via === 'exchange') {
    if (exchange === undefined || routingKey === undefined) {
      return { kind: 'none', why: 'it does not say which exchange it came from; give the queue: to' };
    }
    return { kind: 'target', target: { exchange, routingKey } };
  }
  if (queue !== undefined) return toQueue(queue);
  if (exchange === undefined || routingKey === undefined) {
    return { kind: 'none', why: 'it does not say where it came from; give the queue: to' };
  }
  const from = `exchange ${JSON.stringify(exchange)} with the routing key ${JSON.stringify(routingKey)}`;
  const queues = routesOf(exchange, routingKey);
  if (queues === undefined) {
    const why = `it says that it came from ${from}, not by which queue; give the queue (to), ask for its exchange (via), or let the management API tell`;
    return { kind: 'none', why };
  }
  const [only] = queues;
  if (only !== undefined && queues.length === 1) return toQueue(only);
  const why =
    only === undefined
      ? `no queue is bound to ${from} any more; give the queue: to`
      : `${from} leads to ${queues.length} queues (${queues.join(', ')}), and it does not say which failed; give the queue (to), or ask for all (via exchange)`;
  return { kind: 'none', why };
}

function toQueue(queue: string): TargetDecision {
  return { kind: 'target', target: { exchange: '', routingKey: queue } };
}
