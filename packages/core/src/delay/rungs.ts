import { EMPTY_TOPOLOGY } from '../topology/merge-topologies.js';
import type { Topology } from '../topology/topology.js';
import { binding, exchange, named, returnExchange, type WaitingRoom, waitingQueue } from './waiting-room.js';

/**
 * Exchange and queue in which messages wait `delayMs`: `leveret.wait.10000`. Whoever publishes there with the name of a queue
 * as the routing key has the message back in that queue, and in no other, after the delay.
 */
export function rungName({ prefix, type }: WaitingRoom, delayMs: number): string {
  return named(prefix, `wait.${delayMs}`, type);
}

/** Through it a message comes back at once, by the same way as after a wait. */
export const NO_DELAY_MS = 0;

/** One fanout exchange and one queue for each delay, for all queues together. */
export function rungTopology(room: WaitingRoom, delaysMs: readonly number[]): Topology {
  const names = delaysMs.map((delayMs) => ({ delayMs, name: rungName(room, delayMs) }));
  return {
    ...EMPTY_TOPOLOGY,
    // An exchange before it: published straight to the queue, the message would come back to that queue, not to its own.
    exchanges: names.map(({ name }) => exchange(name, 'fanout')),
    queues: names.map(({ name, delayMs }) => waitingQueue(room, name, delayMs, returnExchange(room))),
    bindings: names.map(({ name }) => binding(name, name, '')),
  };
}
