import { ConfirmedWriter } from '../moving/confirmed-writer.js';
import { movedCopy } from '../moving/copies.js';
import { type DrainLimits, drainUntil } from '../moving/drain-until.js';
import type { OperationsSession } from '../session/operations-session.js';

/**
 * Moves messages in the order of their queue: each is confirmed where an exchange takes it before it is acknowledged. Whoever is
 * killed in between leaves it in both, with the same id. Answers how many.
 * @throws {LeveretError} when one was not confirmed: it is in its queue as before
 */
export async function moveMessages(
  session: OperationsSession,
  from: string,
  exchange: string,
  limits: DrainLimits,
  onMoved: (moved: number) => void,
): Promise<number> {
  const writer = new ConfirmedWriter(await session.broker.openPublishChannel(), session.clock);
  let moved = 0;
  try {
    return await drainUntil(session, from, limits, async ({ message, channel, deliveryTag }) => {
      await writer.send(movedCopy(message, exchange));
      channel.ack(deliveryTag);
      onMoved(++moved);
    });
  } finally {
    await writer.close();
  }
}
