import { LeveretError } from '../errors/leveret-error.js';
import type { Message } from '../message/message.js';
import { type Clock, pause, within } from '../time/clock.js';
import type { Delivery, Subscription, Transport } from '../transport/transport.js';

/** What a release came to. */
export interface ReleaseReport {
  /** Messages that are on their way back to the queue now. */
  readonly released: number;
  /**
   * `false` when some may still wait: those that the queue holds back by itself, which nobody can reach, or more than are
   * looked through at a time.
   */
  readonly complete: boolean;
}

/** Where to look, and what to do with what is found there. */
export interface ReleaseFrom {
  readonly queue: string;
  readonly isOurs: (message: Message) => boolean;
  /** Resolves when the broker has the message elsewhere. */
  readonly move: (message: Message) => Promise<unknown>;
}

/** Messages that are looked through at a time: those of other listeners are held meanwhile. */
const MAX_LOOKED_THROUGH = 20_000;
/** When nothing more comes, the rest has gone on by itself. */
const QUIET_MS = 1000;
const LOOK_MS = 5000;

/**
 * Takes out of a queue what belongs to a listener: each message is acknowledged only when the broker has it elsewhere, so that one
 * may come twice when this process is killed, and none is lost. The messages of others go back to their places.
 * @throws what moving a message throws; those that were moved before have been
 */
export async function releaseWaiting(
  { queue, isOurs, move }: ReleaseFrom,
  transport: Transport,
  clock: Clock,
): Promise<ReleaseReport> {
  const count = await transport.countMessages?.(queue, LOOK_MS);
  if (count === undefined || count === 'missing' || count === 0) return { released: 0, complete: true };
  const limit = Math.min(count, MAX_LOOKED_THROUGH);
  const moves: Promise<void>[] = [];
  const held: Delivery[] = [];
  const state = { seen: 0, lastAt: clock.monotonic() };
  const take = (delivery: Delivery) => {
    state.seen++;
    state.lastAt = clock.monotonic();
    if (state.seen > limit || !isOurs(delivery.message)) {
      held.push(delivery);
      return;
    }
    const moved = Promise.resolve(move(delivery.message)).then(() => void delivery.channel.ack(delivery.deliveryTag));
    moved.catch(() => {});
    moves.push(moved);
  };
  let failed: Error | undefined;
  const subscription = transport.subscribe(requestFor(queue, limit), {
    deliver: take,
    consuming: () => {},
    interrupted: (_cause, error) => {
      failed = error ?? new LeveretError('LEV_CHANNEL_CLOSED', `the look through ${queue} was interrupted`);
    },
    failed: (error) => {
      failed = error;
    },
  });
  try {
    await within(clock, LOOK_MS, subscription.ready, () => {
      throw new LeveretError('LEV_CHANNEL_CLOSED', `queue ${queue} could not be looked through within ${LOOK_MS} ms`);
    });
    while (state.seen < limit && failed === undefined && clock.monotonic() - state.lastAt < QUIET_MS) {
      await pause(clock, 20);
    }
    await subscription.cancel();
    await Promise.all(moves);
    if (failed !== undefined) throw failed;
    return { released: moves.length, complete: count <= limit };
  } finally {
    await end(subscription, held);
  }
}

async function end(subscription: Subscription, held: readonly Delivery[]): Promise<void> {
  for (const { channel, deliveryTag } of held) channel.giveBack(deliveryTag);
  await subscription.close();
}

function requestFor(queue: string, prefetch: number) {
  return {
    queue,
    prefetch,
    noAck: false,
    exclusive: false,
    priority: undefined,
    arguments: {},
    tagPrefix: 'leveret.release',
    missingQueue: 'fail',
  } as const;
}
