import { type Clock, within } from '@leveret/core';
import type { Link } from '../connection/link.js';
import { brokerReply } from '../errors/broker-reply.js';

const LOOK_TIMEOUT_MS = 5000;

/** Whether a queue is there, asked on a channel of its own; `undefined` when the answer says neither. Never rejects. */
export async function queueExists(queue: string, link: Link, clock: Clock): Promise<boolean | undefined> {
  try {
    const channel = await link.openChannel(LOOK_TIMEOUT_MS);
    const found = channel.checkQueue(queue).then(() => true as const);
    const exists = await within(clock, LOOK_TIMEOUT_MS, found, () => undefined);
    channel.close().catch(() => {});
    return exists;
  } catch (error) {
    return brokerReply(error)?.code === 404 ? false : undefined;
  }
}
