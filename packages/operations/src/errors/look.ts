import type { HoldLimits } from '../moving/held-queue.js';
import { stagedMessages } from '../moving/staging.js';
import { withHeld } from '../moving/with-held.js';
import type { ParkedMessage } from '../parked/parked-message.js';
import type { OperationsSession } from '../session/operations-session.js';

/** What a look at one queue came to. */
export interface LookedQueue {
  readonly name: string;
  readonly messages: number;
  /** `false`: there are more messages than may be held, and only the first of them were looked at. */
  readonly isComplete: boolean;
  /** Consumers of others: what they hold is not seen. */
  readonly otherConsumers: number;
  /** On their way back since a process ended in the middle of a retry: `retry` of this queue goes on with them. */
  readonly staged: number;
}

/** What a look came to. */
export interface Looked {
  readonly queues: readonly LookedQueue[];
  /** In the order of the queues given, and within each in the order in which they were parked. */
  readonly messages: readonly ParkedMessage[];
}

/**
 * Looks at every message of these queues. Afterwards each is in its queue as before: in its place, with the delivery count it had.
 * How that is done on which broker stands in docs/decisions/0037.
 * @throws {LeveretError} LEV_QUEUE_MISSING, LEV_OPERATION_REFUSED, LEV_OPERATION_INTERRUPTED
 */
export async function look(
  session: OperationsSession,
  queues: readonly string[],
  limits?: HoldLimits,
): Promise<Looked> {
  const looked = await Promise.all(
    [...new Set(queues)].map(async (name) => {
      const held = await withHeld(session, name, limits, ({ messages, isComplete, otherConsumers }) => ({
        messages: messages.map(({ parked }) => parked),
        isComplete,
        otherConsumers,
      }));
      return { name, ...held, staged: await stagedMessages(session, name) };
    }),
  );
  return {
    queues: looked.map(({ messages, ...queue }) => ({ ...queue, messages: messages.length })),
    messages: looked.flatMap(({ messages }) => messages),
  };
}
