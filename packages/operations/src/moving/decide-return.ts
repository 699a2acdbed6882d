import { isAtLeast } from '@leveret/core';

/**
 * How messages that were only looked at get back into their queue.
 * - `returned`: the broker puts them back in their places and counts nothing.
 * - `copied`: the broker would count the look as a failed delivery, and drop the message at its delivery limit. Each message is
 *   replaced by a confirmed copy of itself, in the same order.
 */
export type WayBack = 'returned' | 'copied';

/** What is known of a queue before its messages are taken in hand. */
export interface QueueFacts {
  /** Version of the broker, such as `4.0.5`. */
  readonly version: string;
  /** `undefined`: nobody could tell. */
  readonly type: string | undefined;
}

/**
 * Decides how what is taken in hand gets back. Classic queues put messages back in their places on every version, and have no
 * delivery count. Quorum queues count everything that comes back to them up to RabbitMQ 4.2; from 4.3 on not what is given back
 * by `basic.nack`. Where nobody knows the type, copies are right for either.
 */
export function decideWayBack({ version, type }: QueueFacts): WayBack {
  if (type === 'classic') return 'returned';
  return isAtLeast(version, 4, 3, false) ? 'returned' : 'copied';
}

/** A process that dies with messages in hand does count, on every version: from here on the count begins anew, with copies. */
export const COUNT_TO_CLEAR = 1;

/** Decides again when it is known what the messages have been through. */
export function decideWayBackOf(way: WayBack, highestCount: number): WayBack {
  return highestCount >= COUNT_TO_CLEAR ? 'copied' : way;
}
