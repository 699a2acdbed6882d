import { setMaxListeners } from 'node:events';
import { LeveretError, type Message, type MessageHeaders } from '@leveret/core';
import { RETRY_OF } from '../parked/parked-headers.js';
import { asParked } from '../parked/parked-message.js';
import type { RetryTarget } from '../parked/retry-target.js';
import { type OperationsSession, ownName } from '../session/operations-session.js';
import { ConfirmedWriter } from './confirmed-writer.js';
import { type MessageEdit, parkedCopy, readStaged, retryCopy, stagedFacts } from './copies.js';
import { drain } from './drain.js';
import { inWindow } from './held-queue.js';
import { Pace } from './pace.js';
import { type InHand, unlimitedArguments } from './with-held.js';

const PREFIX = 'leveret.retrying.';
const WINDOW = 256;
/** How often it is looked whether something is left. */
const MOST_ROUNDS = 20;

/** Name of the queue through which messages of an error queue go back, so that a process that is killed can be followed by another. */
export function stagingQueueOf(queue: string): string {
  return ownName(PREFIX, queue);
}

/** How many messages of an error queue were to be sent back by a process that has ended before it had. */
export async function stagedMessages(session: OperationsSession, queue: string): Promise<number> {
  return (await session.broker.queue(stagingQueueOf(queue)))?.messages ?? 0;
}

/** One message that goes back. */
export interface Staged {
  readonly inHand: InHand;
  readonly target: RetryTarget;
}

/**
 * First half of a retry: each message gets a confirmed copy, with where it is to go, in the staging queue, and leaves the error
 * queue. A message is in one of the two at any moment, or for an instant in both.
 * @throws {LeveretError} when a copy was not confirmed: its original is in the error queue as before
 */
export async function stage(session: OperationsSession, queue: string, messages: readonly Staged[]): Promise<void> {
  if (messages.length === 0) return;
  const staging = stagingQueueOf(queue);
  await declareStaging(session, queue, staging);
  const writer = new ConfirmedWriter(await session.broker.openPublishChannel(), session.clock);
  try {
    await inWindow(messages, WINDOW, async ({ inHand, target }) => {
      const { parked } = inHand;
      const facts = stagedFacts(target, parked.key);
      await writer.send(parkedCopy(parked.message, staging, undefined, facts));
      inHand.done();
    });
  } finally {
    await writer.close();
  }
}

async function declareStaging(session: OperationsSession, queue: string, staging: string): Promise<void> {
  if ((await session.broker.queue(staging)) !== undefined) return;
  const isQuorum = (await session.queueType(queue)) !== 'classic';
  const args = { 'x-queue-type': 'quorum', ...unlimitedArguments(session.broker.broker.version) };
  await session.broker.declareQueue(staging, isQuorum ? { arguments: args } : {});
}

/** Options of {@link forward}. */
export interface ForwardOptions {
  /** Messages in a second. Default: as fast as they are confirmed. */
  readonly rate?: number | undefined;
  /** Further headers of each message. */
  readonly further?: MessageHeaders | undefined;
  readonly edit?: MessageEdit | undefined;
  /** Called after each. */
  readonly onSent?: ((key: string) => void) | undefined;
  /** Stops it: what is not sent is put back into the error queue. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link forward} has done. */
export interface ForwardReport {
  readonly sent: number;
  /** Put back into the error queue, because it was stopped or a message could not be sent. */
  readonly putBack: number;
  /** Why it could not go on, when it could not. */
  readonly failure: Error | undefined;
}

/**
 * Second half of a retry: sends what is staged to where it is to go, each confirmed before its copy here is acknowledged, and
 * takes the staging queue away when it is empty: only within {@link OperationsSession.exclusively}. Whoever is killed here is followed by whoever calls this next.
 * @throws {LeveretError} LEV_OPERATION_INTERRUPTED when the connection is lost: what is not sent is still staged
 */
export async function forward(
  session: OperationsSession,
  queue: string,
  options: ForwardOptions = {},
): Promise<ForwardReport> {
  const { broker, clock } = session;
  const staging = stagingQueueOf(queue);
  if ((await broker.queue(staging)) === undefined) return { sent: 0, putBack: 0, failure: undefined };
  const writer = new ConfirmedWriter(await broker.openPublishChannel(), clock);
  // Of its own: a message that is refused may take the channel with it.
  const wayBack = new ConfirmedWriter(await broker.openPublishChannel(), clock);
  const pace = new Pace(clock, options.rate);
  // Behind the first that is refused none is sent any more, whoever waits for its turn included.
  const giveUp = new AbortController();
  const stop = options.signal === undefined ? giveUp.signal : AbortSignal.any([options.signal, giveUp.signal]);
  // As many wait for their turn as are in hand; more than ten would look like a leak to Node.
  setMaxListeners(0, stop);
  let [sent, putBack] = [0, 0];
  let failure: Error | undefined;
  const send = async (message: Message): Promise<boolean> => {
    const staged = readStaged(message);
    if (staged === undefined || !(await pace.next(stop))) return false;
    const headers = { [RETRY_OF]: staged.key, ...options.further };
    try {
      await writer.send(retryCopy(asParked(message), staged.target, headers, options.edit));
    } catch (error) {
      if (!broker.isOpen) throw error;
      failure ??= error as Error;
      giveUp.abort();
      return false;
    }
    sent++;
    options.onSent?.(staged.key);
    return true;
  };
  try {
    let left = 0;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      await drain(session, staging, async ({ message, channel, deliveryTag }) => {
        if (!(await send(message))) {
          await wayBack.send(parkedCopy(message, queue, undefined));
          putBack++;
        }
        channel.ack(deliveryTag);
      });
      // What was on its way here when the queue seemed to be empty is back in it now.
      left = (await broker.queue(staging))?.messages ?? 0;
      if (left === 0) break;
    }
    if (left > 0) throw new Error(`its staging queue does not become empty, ${left} are left.`);
    // Quorum queues know no "if empty". Nobody else may stage meanwhile: the caller has the error queue for itself.
    await broker.deleteQueue(staging).catch(() => {});
    return { sent, putBack, failure };
  } catch (error) {
    if (LeveretError.is(error) && error.code === 'LEV_OPERATION_REFUSED') throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const text = `Sending back messages of queue ${JSON.stringify(queue)} ended after ${sent}: ${reason} The others wait in ${JSON.stringify(staging)}, and go on with the next retry of this queue.`;
    throw new LeveretError('LEV_OPERATION_INTERRUPTED', text, { cause: error });
  } finally {
    await writer.close();
    await wayBack.close();
  }
}
