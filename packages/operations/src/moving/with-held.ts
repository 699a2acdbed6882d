import { isAtLeast, LeveretError } from '@leveret/core';
import { type ParkedMessage, parkedMessages } from '../parked/parked-message.js';
import type { OperationsSession } from '../session/operations-session.js';
import { decideWayBack } from './decide-return.js';
import { HeldQueue, type HoldLimits } from './held-queue.js';

/** A message in hand. */
export interface InHand {
  readonly parked: ParkedMessage;
  /** It is safe elsewhere, or is to be gone. Answers `false` when the channel is gone: then it is in its queue as before. */
  done(): boolean;
}

/** A queue in hand. */
export interface QueueInHand {
  readonly messages: readonly InHand[];
  /** `false`: there are more messages than may be held. */
  readonly isComplete: boolean;
  /** Consumers that had the queue before: what they hold is not seen here. */
  readonly otherConsumers: number;
}

/**
 * Takes all messages of a queue in hand, calls back, and puts back what is not done with, as if nobody had looked.
 * @throws {LeveretError} LEV_QUEUE_MISSING, LEV_OPERATION_REFUSED, LEV_OPERATION_INTERRUPTED
 */
export function withHeld<T>(
  session: OperationsSession,
  queue: string,
  limits: HoldLimits | undefined,
  work: (held: QueueInHand) => T | Promise<T>,
): Promise<T> {
  return session.exclusively('look', queue, () => takeAndReturn(session, queue, limits, work));
}

async function takeAndReturn<T>(
  session: OperationsSession,
  queue: string,
  limits: HoldLimits | undefined,
  work: (held: QueueInHand) => T | Promise<T>,
): Promise<T> {
  const type = await session.queueType(queue);
  if (type === 'stream') {
    const text = `Queue ${JSON.stringify(queue)} is a stream: nothing is taken out of a stream. Read it with tail.`;
    throw new LeveretError('LEV_OPERATION_REFUSED', text);
  }
  const { version } = session.broker.broker;
  const way = decideWayBack({ version, type });
  const held = await HeldQueue.take(queue, { session: session.broker, clock: session.clock, way, limits });
  let result: T;
  try {
    const parked = parkedMessages(
      queue,
      held.deliveries.map(({ message }) => message),
    );
    const messages = held.deliveries.map((delivery, index) => ({
      parked: parked[index] as ParkedMessage,
      done: () => held.ack(delivery),
    }));
    const { isComplete, otherConsumers } = held;
    result = await work({ messages, isComplete, otherConsumers });
  } catch (error) {
    await held.giveBack().catch(() => {});
    throw error;
  }
  await held.giveBack();
  return result;
}

/** Whether this broker may be told that a quorum queue has no delivery limit; before, it has none unless it is told. */
export function unlimitedArguments(version: string): Readonly<Record<string, unknown>> {
  return isAtLeast(version, 4, 0, false) ? { 'x-delivery-limit': -1 } : {};
}
