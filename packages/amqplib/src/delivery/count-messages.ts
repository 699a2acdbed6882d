import type { Clock } from '@leveret/core';
import { askApart } from '../connection/ask-apart.js';
import type { Link } from '../connection/link.js';
import { brokerReply } from '../errors/broker-reply.js';

/**
 * How many messages of a queue are ready, by a passive declaration on a channel of its own; `missing` when there is no such queue.
 * @throws {Error} when the broker does not say, as within `timeoutMs`, or when this user may not know
 */
export async function countMessages(
  queue: string,
  link: Link,
  clock: Clock,
  timeoutMs: number,
): Promise<number | 'missing'> {
  try {
    return (await askApart(link, clock, timeoutMs, (channel) => channel.checkQueue(queue))).messageCount;
  } catch (error) {
    if (brokerReply(error)?.code === 404) return 'missing';
    throw error;
  }
}
