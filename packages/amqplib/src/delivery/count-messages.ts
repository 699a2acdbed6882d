import { type Clock, within } from '@leveret/core';
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
  const channel = await link.openChannel(timeoutMs);
  try {
    const counted = channel.checkQueue(queue).then(({ messageCount }) => messageCount);
    const count = await within(clock, timeoutMs, counted, () => {
      throw new Error(`no answer within ${timeoutMs} ms`);
    });
    channel.close().catch(() => {});
    return count;
  } catch (error) {
    if (brokerReply(error)?.code === 404) return 'missing';
    throw error;
  }
}
