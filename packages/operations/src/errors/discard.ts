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

/** What can still be had back with {@link undoDiscard}. */
export interface UndoableDiscard {
  readonly undo: string;
  readonly messages: number;
  /** Where they were. */
  readonly queues: readonly string[];
  /** When the first of them are gone for good: milliseconds since the epoch, by the clock of who discarded them. */
  readonly undoUntil: number;
}

const PREFIX = 'leveret.discarded.';
/** Arguments of the queue, for whoever finds it. */
const FROM = 'x-leveret-discarded-from';
const UNTIL = 'x-leveret-undo-until';
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
  const from = new Set(messages.map((message) => message.queue));
  if (bin !== undefined) {
    const ends = { 'x-message-ttl': undoForMs, 'x-expires': undoForMs + SLACK_MS };
    const discardedAt = session.clock.now();
    const facts = { [FROM]: [...from], [UNTIL]: discardedAt + undoForMs };
    await session.broker.declareQueue(bin, { arguments: { ...ends, ...facts } });
  }
  const writer =
    bin === undefined ? undefined : new ConfirmedWriter(await session.broker.openPublishChannel(), session.clock);
  let discarded = 0;
  try {
    for (const queue of from) {
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
 * What was discarded and can still be had back, whoever did it: the newest last. Nothing where there is no management API.
 * @throws {ManagementApiError} when it cannot be reached or refuses
 */
export async function undoableDiscards(session: OperationsSession): Promise<readonly UndoableDiscard[]> {
  const found: UndoableDiscard[] = [];
  for (const { name, arguments: args } of (await (await session.management())?.queues()) ?? []) {
    const { [FROM]: queues, [UNTIL]: undoUntil } = args;
    if (!name.startsWith(PREFIX) || !Array.isArray(queues) || typeof undoUntil !== 'number') continue;
    const messages = (await session.broker.queue(name))?.messages ?? 0;
    if (messages > 0) found.push({ undo: name.slice(PREFIX.length), messages, queues: queues.map(String), undoUntil });
  }
  return found.sort((a, b) => a.undoUntil - b.undoUntil);
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
