import type { Clock, ExchangeLook } from '@leveret/core';
import { askApart } from '../connection/ask-apart.js';
import type { Link } from '../connection/link.js';
import { brokerReply, channelClosedError } from '../errors/broker-reply.js';

/** Exchanges that every virtual host of RabbitMQ has, and that nobody can delete. */
const PREDECLARED = new Set(['amq.direct', 'amq.fanout', 'amq.topic', 'amq.headers', 'amq.match']);

/**
 * Asks the broker for an exchange (a passive declaration) on a channel of its own, because the broker answers "no" by closing
 * the channel.
 * @returns why it is missing, or nothing when it is there
 * @throws {Error} when the broker does not say, as within `timeoutMs`, or when this user may not know
 * @see https://www.rabbitmq.com/docs/exchanges
 */
export async function lookForExchange(
  link: Link,
  name: string,
  clock: Clock,
  timeoutMs: number,
): Promise<ExchangeLook> {
  if (PREDECLARED.has(name)) return { missing: undefined };
  try {
    await askApart(link, clock, timeoutMs, (channel) => channel.checkExchange(name));
  } catch (error) {
    const reply = brokerReply(error);
    if (reply?.code === 404) return { missing: { error: channelClosedError(error as Error), replyText: reply.text } };
    throw error;
  }
  return { missing: undefined };
}
