import { type Clock, within } from '@leveret/core';
import type { Channel } from 'amqplib';
import type { Link } from './link.js';

/**
 * Asks the broker something on a channel of its own, because it answers "no" by closing the channel. Nothing of it is left,
 * whatever comes of the question.
 * @throws {Error} what the broker answered, or that it did not within `timeoutMs`
 */
export async function askApart<T>(
  link: Link,
  clock: Clock,
  timeoutMs: number,
  question: (channel: Channel) => PromiseLike<T>,
): Promise<T> {
  const channel = await link.openChannel(timeoutMs);
  try {
    return await within(clock, timeoutMs, Promise.resolve(question(channel)), () => {
      throw new Error(`no answer within ${timeoutMs} ms`);
    });
  } finally {
    // Fails where the broker has closed it.
    channel.close().catch(() => {});
  }
}
