import { randomUUID } from 'node:crypto';
import { LeveretError } from '@leveret/core';
import { ConfirmedWriter } from '../moving/confirmed-writer.js';
import { parkedCopy, readStaged, stagedFacts } from '../moving/copies.js';
import { drain } from '../moving/drain.js';
import type { HoldLimits } from '../moving/held-queue.js';
import { inWindow } from '../moving/held-queue.js';
import { withHeld } from '../moving/with-held.js';
import type { ParkedMessage } from '../parked/parked-message.js';
import { type Selection, selectErrors } from '../parked/select-errors.js';
import type { OperationsSession } from '../session/operations-session.js';
import { look } from './look.js';
import { nothingFound } from './retry.js';

/** Options of {@link discard}. */
export interface DiscardOptions {
  readonly queues: readonly string[];
  readonly selection: Selection;
  /** For so long they can be had back with {@link undoDiscard}. In milliseconds; default 0: they are gone at once. */
  readonly undoForMs?: number | undefined;
  readonly dryRun?: boolean | undefined;
  readonly limits?: HoldLimits | undefined;
}

/** What a discard came to. */
export interface DiscardReport {
  readonly messages: readonly ParkedMessage[];
  readonly discarded: number;
  /** For {@link undoDiscard}; `undefined` when they are gone for good. */
  readonly undo: string | undefined;
}

const PREFIX = 'leveret.discarded.';
const WINDOW = 256;
/** The queue outlives its messages by this. */
const SLACK_MS = 60_000;

/**
 * Throws parked messages away: at once, or into a queue where they end by themselves after a while.
 * @throws {LeveretError} LEV_NOTHING_FOUND, LEV_OPERATION_REFUSED, LEV_OPERATION_INTERRUPTED
 */
export async function discard(session: OperationsSession, options: DiscardOptions): Promise<DiscardReport> {
  const { queues, selection, undoForMs = 0, dryRun = false, limits } = options;
  const chosen = selectErrors((await look(session, queues, limits)).messages, selection);
  if (chosen.unknown.length > 0) throw nothingFound(chosen.unknown, queues);
  const { messages } = chosen;
  if (dryRun || messages.length === 0) return { messages, discarded: 0, undo: undefined };
  const undo = undoForMs > 0 ? randomUUID() : undefined;
  const bin = undo === undefined ? undefined : PREFIX + undo;
  if (bin !== undefined) {
    const args = { 'x-message-ttl': undoForMs, 'x-expires': undoForMs + SLACK_MS };
    await session.broker.declareQueue(bin, { arguments: args });
  }
  const writer =
    bin === undefined ? undefined : new ConfirmedWriter(await session.broker.openPublishChannel(), session.clock);
  let discarded = 0;
  try {
    for (const queue of new Set(messages.map((message) => message.queue))) {
      const keys = new Set(messages.filter((message) => message.queue === queue).map(({ key }) => key));
      await withHeld(session, queue, limits, (held) => {
        const going = held.messages.filter(({ parked }) => keys.has(parked.key));
        return inWindow(going, WINDOW, async ({ parked, done }) => {
          if (bin !== undefined) {
            const facts = stagedFacts({ exchange: '', routingKey: queue }, parked.key);
            await writer?.send(parkedCopy(parked.message, bin, undefined, facts));
          }
          if (done()) discarded++;
        });
      });
    }
  } finally {
    await writer?.close();
  }
  return { messages, discarded, undo };
}

/**
 * Puts back what was discarded, at the end of its queues. Answers how many.
 * @param undo of the {@link DiscardReport}
 * @throws {LeveretError} LEV_NOTHING_FOUND when the time is over
 */
export async function undoDiscard(session: OperationsSession, undo: string): Promise<number> {
  const bin = PREFIX + undo;
  if ((await session.broker.queue(bin)) === undefined) {
    const text = `There is nothing to undo under ${JSON.stringify(undo)}: the time is over, or it was undone before.`;
    throw new LeveretError('LEV_NOTHING_FOUND', text);
  }
  const writer = new ConfirmedWriter(await session.broker.openPublishChannel(), session.clock);
  let back = 0;
  try {
    await drain(session, bin, async ({ message, channel, deliveryTag }) => {
      const staged = readStaged(message);
      if (staged !== undefined) {
        await writer.send(parkedCopy(message, staged.target.routingKey, undefined));
        back++;
      }
      channel.ack(deliveryTag);
    });
    await session.broker.deleteQueue(bin, { ifEmpty: true }).catch(() => {});
  } finally {
    await writer.close();
  }
  return back;
}
