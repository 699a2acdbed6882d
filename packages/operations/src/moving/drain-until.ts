import { type Delivery, LeveretError, pause } from '@leveret/core';
import type { OperationsSession } from '../session/operations-session.js';
import { Hand } from './hand.js';

const WINDOW = 256;
const LOOK_MS = 20;
const STALLED_MS = 10_000;

/** How far {@link drainUntil} goes. */
export interface DrainLimits {
  /** Ends as soon as no more than so many are ready. */
  readonly ready: number;
  /** Ends, too, when the queue has not become shorter for so long: as many come as are taken. Default: never. */
  readonly notShorterForMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Asked when so few are ready: `false` keeps the consumer. */
  readonly mayEnd?: () => Promise<boolean>;
}

/**
 * Takes messages out of a queue that others may publish to and consume from meanwhile, in its order. The work of a message settles it.
 * Answers how many it took.
 * @throws {LeveretError} LEV_OPERATION_INTERRUPTED when its consumer is lost, or nothing is handed out although there is something
 * @throws what the first work that failed threw; what is not settled is back in the queue
 */
export async function drainUntil(
  session: OperationsSession,
  queue: string,
  { ready, notShorterForMs = Number.POSITIVE_INFINITY, signal, mayEnd }: DrainLimits,
  work: (delivery: Delivery) => Promise<void>,
): Promise<number> {
  const { broker, clock } = session;
  const hand = new Hand(work, clock);
  const consumer = await broker.consume(queue, { prefetch: WINDOW }, hand);
  let shortest = Number.POSITIVE_INFINITY;
  let shorterAt = clock.monotonic();
  try {
    for (;;) {
      hand.throwIfEnded(queue);
      const state = await broker.queue(queue);
      const left = state?.messages ?? 0;
      if (left < shortest) [shortest, shorterAt] = [left, clock.monotonic()];
      if (signal?.aborted === true || clock.monotonic() - shorterAt >= notShorterForMs) break;
      if (left <= ready && (mayEnd === undefined || (await mayEnd()))) break;
      if (left > 0 && hand.busy === 0 && hand.quietMs > STALLED_MS) throw stalled(queue, left);
      await pause(clock, LOOK_MS);
    }
    await consumer.cancel();
    while (hand.busy > 0) {
      await pause(clock, LOOK_MS);
      hand.throwIfEnded(queue);
    }
    hand.throwIfEnded(queue);
    return hand.taken;
  } finally {
    hand.stop();
    await consumer.close();
  }
}

function stalled(queue: string, messages: number): LeveretError {
  const text = `Queue ${JSON.stringify(queue)} has ${messages} messages, and hands out none: another has it as its single active consumer, or comes before this one by its priority. Stop that, and go on.`;
  return new LeveretError('LEV_OPERATION_INTERRUPTED', text);
}
