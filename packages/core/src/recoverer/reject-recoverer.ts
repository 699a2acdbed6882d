import type { Recoverer } from './recoverer.js';

/**
 * The default recoverer: the delivery is rejected without requeue. It goes to the queue's dead letter exchange; without
 * one the broker drops it, which is logged at error level and counted.
 */
export function rejectAndDontRequeue(): Recoverer {
  return REJECT;
}

/** The delivery goes back to its queue and starts over: an endless circle, unless the broker has a delivery limit. */
export function immediateRequeue(): Recoverer {
  return REQUEUE;
}

const REJECT: Recoverer = Object.freeze({ recover: () => 'reject' as const });
const REQUEUE: Recoverer = Object.freeze({ recover: () => 'requeue' as const });
