import { createHash } from 'node:crypto';
import type { Message } from '@leveret/core';
import { type Failure, readFailure } from './failure.js';
import { isOfDelivery, PARKED_CC, PARKED_EXCHANGE, PARKED_KEY, PARKED_USER, PLACE } from './parked-headers.js';

/** A message that waits in an error queue for a person. */
export interface ParkedMessage {
  /** Twelve hexadecimal digits that stay the same for as long as it is parked; `.2` and so on for others exactly like it. */
  readonly key: string;
  /** Queue it is parked in. */
  readonly queue: string;
  /** 0 is the next that a consumer would get. */
  readonly position: number;
  /** As it is: body, properties, and headers without those that operations have added. */
  readonly message: Message;
  readonly failure: Failure;
}

/**
 * Reads messages of one queue in their order.
 * @param messages as they were delivered, in the order of the queue
 */
export function parkedMessages(queue: string, messages: readonly Message[]): readonly ParkedMessage[] {
  const seen = new Map<string, number>();
  return messages.map((delivered, position) => {
    const message = withoutCounts(asParked(delivered));
    const digest = keyOf(message);
    const times = (seen.get(digest) ?? 0) + 1;
    seen.set(digest, times);
    const key = times === 1 ? digest : `${digest}.${times}`;
    return { key, queue, position, message, failure: readFailure(message) };
  });
}

/** The message as it was parked, whether or not operations have put a copy in its place since. */
export function asParked(message: Message): Message {
  const { headers } = message;
  if (headers[PARKED_EXCHANGE] === undefined) return message;
  const rest = Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.has(name)));
  const [exchange, routingKey, userId, cc] = [PARKED_EXCHANGE, PARKED_KEY, PARKED_USER, PARKED_CC].map(
    (name) => headers[name],
  );
  return {
    ...message,
    headers: cc === undefined ? rest : { ...rest, CC: cc },
    ...(typeof exchange === 'string' ? { exchange } : {}),
    ...(typeof routingKey === 'string' ? { routingKey } : {}),
    ...(typeof userId === 'string' ? { userId } : {}),
  };
}

/** What the broker counts belongs to a delivery, and differs with each. */
function withoutCounts(message: Message): Message {
  const entries = Object.entries(message.headers);
  const kept = entries.filter(([name]) => !isOfDelivery(name));
  return kept.length === entries.length ? message : { ...message, headers: Object.fromEntries(kept) };
}

const OWN: ReadonlySet<string> = new Set([PLACE, PARKED_EXCHANGE, PARKED_KEY, PARKED_USER, PARKED_CC]);

/** Of what does not change while a message is parked, wherever it is looked at. */
function keyOf({ body, headers, messageId, correlationId, timestamp, type }: Message): string {
  const hash = createHash('sha256');
  const deaths = Array.isArray(headers['x-death']) ? JSON.stringify(headers['x-death']) : '';
  const facts = [messageId, correlationId, timestamp, type, headers['x-leveret-first-failed-at'], deaths];
  hash.update(JSON.stringify(facts));
  hash.update(body);
  return hash.digest('hex').slice(0, 12);
}
