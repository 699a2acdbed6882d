import type { Clock } from '@leveret/core';
import { askApart } from '../connection/ask-apart.js';
import type { Link } from '../connection/link.js';
import { brokerReply } from '../errors/broker-reply.js';

const LOOK_TIMEOUT_MS = 5000;

/** Whether a queue is there, asked on a channel of its own; `undefined` when the answer says neither. Never rejects. */
export async function queueExists(queue: string, link: Link, clock: Clock): Promise<boolean | undefined> {
  try {
    await askApart(link, clock, LOOK_TIMEOUT_MS, (channel) => channel.checkQueue(queue));
    return true;
  } catch (error) {
    return brokerReply(error)?.code === 404 ? false : undefined;
  }
}
