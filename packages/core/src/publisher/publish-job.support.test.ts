import type { Publication } from '../message/message.js';
import { FakeChannel } from './fake-publish-transport.support.test.js';
import { type BodySource, type ChannelSlot, type JobLane, PublishJob } from './publish-job.js';

/** A lane that does nothing. */
export const aLane: JobLane = {
  isApart: false,
  isEmpty: true,
  answers: { answered: () => undefined, lateAck: () => undefined },
  putBack: () => undefined,
  retryLater: () => undefined,
  pump: () => undefined,
};

export function aPublication(body: Buffer | number = 0): Publication {
  const bytes = typeof body === 'number' ? Buffer.alloc(body) : body;
  return { exchange: 'x', routingKey: 'k', body: bytes, headers: {}, properties: {}, mandatory: true };
}

/** A job that nobody waits for. */
export function aJob(
  body: Buffer | number = 0,
  { now = 0, source }: { now?: number; source?: BodySource } = {},
): PublishJob {
  const ignore = () => undefined;
  return new PublishJob(aPublication(body), aLane, now, ignore, ignore, source);
}

/** A channel in use. */
export function aSlot(
  onIdle: () => void = () => undefined,
  openedAt = 0,
): ChannelSlot & { readonly channel: FakeChannel } {
  return { channel: new FakeChannel(), openedAt, lost: [], inFlight: 0, abandoned: 0, end: undefined, onIdle };
}
