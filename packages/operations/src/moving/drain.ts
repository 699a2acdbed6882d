import { type Delivery, LeveretError, pause } from '@leveret/core';
import type { OperationsSession } from '../session/operations-session.js';
import { Hand } from './hand.js';

const WINDOW = 256;
const STALLED_MS = 10_000;
const LOOK_MS = 20;
/** Fewer may come than there were: those with a time to live. */
const QUIET_MS = 5000;

/**
 * Takes messages out of a queue of leveret's own until it is empty, as its only consumer. The work of a message settles it.
 * @throws {LeveretError} LEV_OPERATION_REFUSED when another has the queue, LEV_OPERATION_INTERRUPTED when its consumer is lost
 * @throws what the first work that failed threw; what is not settled is back in the queue
 */
export async function drain(
  session: OperationsSession,
  queue: string,
  work: (delivery: Delivery) => Promise<void>,
): Promise<void> {
  const { broker, clock } = session;
  const expected = (await broker.queue(queue))?.messages ?? 0;
  const hand = new Hand(work, clock);
  const consumer = await broker
    .consume(queue, { prefetch: WINDOW, exclusive: true }, hand)
    .catch((error: unknown) => refusedConsumer(queue, error));
  try {
    for (;;) {
      await pause(clock, LOOK_MS);
      if (hand.busy > 0) continue;
      hand.throwIfEnded(queue);
      const { taken, quietMs } = hand;
      const state = await broker.queue(queue);
      if (state === undefined) return;
      if (hand.busy > 0 || hand.taken > taken) continue;
      // Ready or on the way here: what was there before can only come to its one consumer.
      if (state.messages === 0 && (taken >= expected || quietMs >= QUIET_MS)) return;
      if (quietMs > STALLED_MS) {
        const text = `Queue ${JSON.stringify(queue)} has ${state.messages} messages, and hands out none.`;
        throw new LeveretError('LEV_OPERATION_INTERRUPTED', text);
      }
    }
  } finally {
    // What still comes is not begun: the broker takes it back.
    hand.stop();
    // Not cancelled first: whoever consumes next is to find all that is not settled here.
    await consumer.close();
  }
}

function refusedConsumer(queue: string, cause: unknown): never {
  if (!(cause instanceof Error) || !/in exclusive use/.test(cause.message)) throw cause;
  const text = `Queue ${JSON.stringify(queue)} is being worked on by another operation. Try again when that has ended.`;
  throw new LeveretError('LEV_OPERATION_REFUSED', text, { cause });
}
