import type { Message } from '../message/message.js';

/**
 * Failed deliveries as a quorum queue counts them: `x-delivery-count`, absent (0) on the first one and on classic
 * queues, where it could only be the sender's.
 * @see https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
 */
export function brokerDeliveryCount(message: Message): number {
  const value = message.headers['x-delivery-count'];
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/**
 * How often the message was dead-lettered from `queue` after a rejection, as `x-death` tells. Headers come from
 * strangers: anything that does not have the broker's shape counts as nothing, and a sender that knows the shape can write
 * it: a hint, to decide nothing by that is worth forging.
 * @see https://www.rabbitmq.com/docs/dlx#effects
 */
export function deathCount(message: Message, queue: string): number {
  const deaths = message.headers['x-death'];
  if (!Array.isArray(deaths)) return 0;
  let count = 0;
  for (const death of deaths) {
    if (typeof death !== 'object' || death === null) continue;
    const { queue: from, count: times } = death as { queue?: unknown; count?: unknown };
    if (from === queue && typeof times === 'number' && Number.isSafeInteger(times) && times > 0) count += times;
  }
  return count;
}
