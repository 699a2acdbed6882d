import type { BrokerSession, SessionConsumer } from '@leveret/amqplib';
import { type Clock, type Delivery, LeveretError, type MessageHeaders, pause } from '@leveret/core';
import { ConfirmedWriter } from './confirmed-writer.js';
import { parkedCopy } from './copies.js';
import { decideWayBackOf, type WayBack } from './decide-return.js';
import { inOrder, placesFor } from './order.js';

/** How much may be taken in hand at once. */
export interface HoldLimits {
  /** Messages, up to 65,535. Default 50,000. */
  readonly maxMessages?: number | undefined;
  /** Bytes of bodies. Default 512 MiB. */
  readonly maxBytes?: number | undefined;
}

/** What an operation stands on. */
export interface HoldSetup {
  readonly session: BrokerSession;
  readonly clock: Clock;
  readonly way: WayBack;
  readonly limits?: HoldLimits | undefined;
}

const MAX_MESSAGES = 50_000;
const MAX_BYTES = 512 * 2 ** 20;
/** How long nothing may come before it counts as all that there is. */
const QUIET_MS = 40;
/** How long what was there before is waited for. */
const MISSED_MS = 1000;
/** How long the broker may hand out nothing although there is something. */
const STALLED_MS = 5000;
/** How long another operation may have the queue for itself. */
const IN_USE_MS = 10_000;
const WINDOW = 256;
/** How long a queue may take to have messages back; where others consume, they may be gone again at once. */
const BACK_MS = 10_000;
const SHARED_BACK_MS = 500;
const LOOK_MS = 5;

/**
 * All messages of a queue in hand, for as short a time as can be. Nobody else gets them meanwhile; when the connection or the
 * process ends, the broker takes them back, in their order.
 */
export class HeldQueue {
  readonly queue: string;
  /** In the order in which they were parked. */
  readonly deliveries: readonly Delivery[];
  /** `false`: there are more messages than may be held. */
  readonly isComplete: boolean;
  /** Consumers that had the queue before: what they hold is not seen here. */
  readonly otherConsumers: number;
  readonly #setup: HoldSetup;
  readonly #consumer: SessionConsumer;
  readonly #settled = new Set<Delivery>();

  private constructor(queue: string, setup: HoldSetup, intake: Intake, consumer: SessionConsumer, others: number) {
    this.queue = queue;
    this.deliveries = inOrder(intake.deliveries, ({ message }) => message);
    this.isComplete = !intake.isFull;
    this.otherConsumers = others;
    this.#setup = setup;
    this.#consumer = consumer;
  }

  /**
   * Takes every message of a queue in hand. Whoever calls this must call {@link giveBack}, whatever happens.
   * @throws {LeveretError} LEV_QUEUE_MISSING, LEV_OPERATION_REFUSED when they cannot be had or are too many to be put back in
   * order, LEV_OPERATION_INTERRUPTED when the connection is lost
   */
  static async take(queue: string, setup: HoldSetup): Promise<HeldQueue> {
    const { session, clock, way, limits = {} } = setup;
    const { maxMessages = MAX_MESSAGES, maxBytes = MAX_BYTES } = limits;
    const state = await session.queue(queue);
    if (state === undefined) throw missing(queue);
    if (way === 'copied' && state.messages > maxMessages) {
      const text = `Queue ${JSON.stringify(queue)} holds ${state.messages} messages, more than may be taken in hand (${maxMessages}): a quorum queue of this RabbitMQ is put back as a whole. Allow more with maxMessages, up to 65535.`;
      throw new LeveretError('LEV_OPERATION_REFUSED', text);
    }
    const intake = new Intake(maxMessages, maxBytes);
    const { consumer, others } = await consumeAlone(queue, setup, intake, maxMessages);
    try {
      await fill(queue, state.messages, { session, clock, intake });
    } catch (error) {
      await consumer.close();
      throw error;
    }
    await consumer.cancel();
    const held = new HeldQueue(queue, setup, intake, consumer, others);
    if (way === 'copied' && intake.isFull) {
      await held.giveBack();
      const text = `Queue ${JSON.stringify(queue)} holds more bytes than may be taken in hand (${maxBytes}). Allow more with maxBytes.`;
      throw new LeveretError('LEV_OPERATION_REFUSED', text);
    }
    return held;
  }

  /** The message is safe elsewhere, or is to be gone: acknowledges it. Answers `false` when the channel is gone. */
  ack(delivery: Delivery): boolean {
    if (this.#settled.has(delivery)) return true;
    this.#settled.add(delivery);
    return delivery.channel.ack(delivery.deliveryTag);
  }

  /**
   * Puts back what was not acknowledged, as if nobody had looked, and lets go of the queue.
   * @throws {LeveretError} when a copy could not be made: its original is back in the queue
   */
  async giveBack(): Promise<void> {
    const left = this.deliveries.filter((delivery) => !this.#settled.has(delivery));
    try {
      const highest = left.reduce((most, { message }) => Math.max(most, countOf(message.headers)), 0);
      const way = decideWayBackOf(this.#setup.way, highest);
      if (way === 'copied') await this.#replace(left);
      else if (left.length > 0 && this.#consumer.giveBackAll()) await this.#seenBack(left.length);
    } finally {
      await this.#consumer.close();
    }
  }

  /**
   * Waits until the queue has them. A quorum queue takes commands one behind the other and later than the channel that sent
   * them; what it has not taken when the channel closes counts as failed, acknowledgements before it included.
   */
  async #seenBack(count: number): Promise<void> {
    const { session, clock } = this.#setup;
    const until = clock.monotonic() + (this.otherConsumers > 0 ? SHARED_BACK_MS : BACK_MS);
    while (clock.monotonic() < until) {
      if (((await session.queue(this.queue))?.messages ?? count) >= count) return;
      await pause(clock, LOOK_MS);
    }
  }

  /** Each gets a copy at the end of the queue, in order, and goes when that is confirmed. */
  async #replace(left: readonly Delivery[]): Promise<void> {
    if (left.length === 0) return;
    const { session, clock } = this.#setup;
    const writer = new ConfirmedWriter(await session.openPublishChannel(), clock);
    try {
      const places = placesFor(left.map(({ message }) => message));
      const copies = left.map((delivery, index) => ({
        delivery,
        publication: parkedCopy(delivery.message, this.queue, places[index] ?? index),
      }));
      await inWindow(copies, WINDOW, async ({ delivery, publication }) => {
        await writer.send(publication);
        this.ack(delivery);
      });
    } finally {
      await writer.close();
    }
  }
}

/**
 * Does the work for each item in order, `window` at once. After the first failure no other is begun.
 * @throws what the first work that failed threw, once all that was begun has ended
 */
export async function inWindow<T>(items: Iterable<T>, window: number, work: (item: T) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  for (const item of items) {
    if (failures.length > 0) break;
    const one: Promise<void> = work(item)
      .catch((error: unknown) => {
        failures.push(error);
      })
      .finally(() => running.delete(one));
    running.add(one);
    if (running.size >= window) await Promise.race(running);
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
}

/** What has come so far. */
class Intake {
  readonly deliveries: Delivery[] = [];
  ended: { readonly error: Error | undefined } | undefined;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get isFull(): boolean {
    return this.deliveries.length >= this.#maxMessages || this.#bytes >= this.#maxBytes;
  }

  delivered(delivery: Delivery): void {
    this.deliveries.push(delivery);
    this.#bytes += delivery.message.body.length;
  }
}

/** Consumes as the only one, so that nobody new comes between; beside others where a service consumes. */
async function consumeAlone(
  queue: string,
  { session, clock }: HoldSetup,
  intake: Intake,
  maxMessages: number,
): Promise<{ readonly consumer: SessionConsumer; readonly others: number }> {
  const sink = {
    delivered: (delivery: Delivery) => intake.delivered(delivery),
    ended: (error: Error | undefined) => {
      intake.ended ??= { error };
    },
  };
  const prefetch = Math.min(65_535, maxMessages);
  const giveUpAt = clock.monotonic() + IN_USE_MS;
  for (;;) {
    for (const exclusive of [true, false]) {
      intake.ended = undefined;
      const others = exclusive ? 0 : ((await session.queue(queue))?.consumers ?? 0);
      try {
        return { consumer: await session.consume(queue, { prefetch, exclusive }, sink), others };
      } catch (error) {
        if (!isInUse(error)) throw error;
        if (!exclusive && clock.monotonic() >= giveUpAt) throw inUse(queue, error);
      }
    }
    await pause(clock, 100);
  }
}

function inUse(queue: string, cause: unknown): LeveretError {
  const text = `Queue ${JSON.stringify(queue)} is consumed exclusively by somebody else. Try again when that has ended.`;
  return new LeveretError('LEV_OPERATION_REFUSED', text, { cause });
}

async function fill(
  queue: string,
  expected: number,
  { session, clock, intake }: Pick<HoldSetup, 'session' | 'clock'> & { readonly intake: Intake },
): Promise<void> {
  let seen = -1;
  let movedAt = clock.monotonic();
  while (!intake.isFull) {
    if (intake.ended !== undefined) throw notTaken(queue, intake.ended.error);
    const quietMs = clock.monotonic() - movedAt;
    if (intake.deliveries.length !== seen) {
      seen = intake.deliveries.length;
      movedAt = clock.monotonic();
    } else if (quietMs >= QUIET_MS) {
      const left = await ready(queue, session);
      if (intake.deliveries.length !== seen) continue;
      // What was counted before may still be on its way here; or others have it, or its time was over.
      if (left === 0 && (seen >= expected || quietMs >= MISSED_MS)) return;
      if (quietMs >= STALLED_MS) throw stalled(queue, left);
    }
    await pause(clock, LOOK_MS);
  }
}

async function ready(queue: string, session: BrokerSession): Promise<number> {
  const state = await session.queue(queue);
  if (state === undefined) throw missing(queue);
  return state.messages;
}

function notTaken(queue: string, error: Error | undefined): LeveretError {
  const why = error?.message ?? 'its consumer was cancelled';
  const text = `The messages of queue ${JSON.stringify(queue)} could not be taken in hand: ${why}. They are in the queue as before.`;
  return new LeveretError('LEV_OPERATION_INTERRUPTED', text, { cause: error });
}

function stalled(queue: string, messages: number): LeveretError {
  const text = `Queue ${JSON.stringify(queue)} has ${messages} messages, and hands out none: another has it as its single active consumer, or comes before this one by its priority.`;
  return new LeveretError('LEV_OPERATION_REFUSED', text);
}

function missing(queue: string): LeveretError {
  return new LeveretError('LEV_QUEUE_MISSING', `Queue ${JSON.stringify(queue)} is not there.`);
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && /403 ACCESS_REFUSED[\s\S]*in exclusive use/.test(error.message);
}

function countOf(headers: MessageHeaders): number {
  const count = headers['x-delivery-count'];
  return typeof count === 'number' ? count : 0;
}
