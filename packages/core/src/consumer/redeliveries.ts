import { delayTarget, levelQueues, MAX_DELAY_MS } from '../delay/levels.js';
import { NO_DELAY_MS, rungName, rungTopology } from '../delay/rungs.js';
import { movedCopy, waitingCopy } from '../delay/waiting-copy.js';
import { cameBack, returnExchange, returnTopology, strandedQueue } from '../delay/waiting-room.js';
import type { Message } from '../message/message.js';
import type { WaitRecord } from '../message/wait-record.js';
import type { DelayedPublishes } from '../publisher/delayed-publishes.js';
import type { ConfirmedSender } from '../recoverer/recoverer.js';
import { delaysOf, linearRule } from '../retry/redeliver-delays.js';
import type { Clock } from '../time/clock.js';
import type { Transport } from '../transport/transport.js';
import type { ListenerDefinition } from './listener-definition.js';
import { type ReleaseReport, releaseWaiting } from './release-waiting.js';

/** By what a message waits: the queue itself, a queue for its delay, or the binary digits of its delay. */
export type RedeliveryWay = 'native' | 'ladder' | 'levels';

/** How the messages of a listener wait, and how many do. */
export interface RedeliverySnapshot {
  /**
   * `native`: the queue itself holds them back, and the broker tells nobody over AMQP how many. `ladder`: copies wait in a queue for
   * each delay, which all listeners of the application share.
   */
  readonly way: 'native' | 'ladder';
  /** Every delay that may come to be, in milliseconds. */
  readonly delaysMs: readonly number[];
  /**
   * Messages that waited at the last look, of all listeners that share the delay; by `untilAt` (milliseconds since the epoch) they
   * are all back. Not there before the first look, nor where nobody can tell.
   */
  readonly waiting?: readonly { readonly delayMs: number; readonly messages: number; readonly untilAt: number }[];
  /** Messages whose queue was gone when their time had come. They are kept, see `queue`. */
  readonly stranded?: { readonly queue: string; readonly messages: number };
}

/** What {@link Redeliveries} stands on. */
export interface RedeliveriesSetup {
  readonly definition: ListenerDefinition;
  readonly transport: Transport;
  readonly sender: ConfirmedSender;
  readonly delayed: DelayedPublishes;
  readonly clock: Clock;
}

/** Has the messages of a listener wait at the broker, and come back to its queue alone. */
export class Redeliveries {
  readonly #setup: RedeliveriesSetup;
  /** The delays that have a queue of their own. */
  readonly #rungs: ReadonlySet<number>;
  readonly #hasRule: boolean;

  constructor(setup: RedeliveriesSetup) {
    const { redeliver } = setup.definition;
    this.#setup = setup;
    this.#rungs = new Set(redeliver === undefined ? [] : delaysOf(redeliver));
    this.#hasRule = redeliver?.native === true && linearRule(redeliver) !== undefined;
  }

  /** The queue itself holds back what is rejected, for as long as this listener wants: nothing has to be published. */
  get isNative(): boolean {
    const { definition, transport } = this.#setup;
    return this.#hasRule && transport.holdsBack?.(definition.queue) === true;
  }

  /** Declares what messages wait in, and how they find back. Nothing for a listener that does not redeliver. */
  async declare(): Promise<void> {
    if (this.#rungs.size === 0) return;
    await this.#declareRungs();
    try {
      await this.#declareReturn();
    } catch (error) {
      // Its queue may still be missing: it is bound before the first message waits.
      if (this.#setup.definition.missingQueue !== 'wait') throw error;
    }
  }

  /**
   * Publishes a copy that comes back after the delay, and resolves when the broker has it.
   * @throws {PublishError} when it was nacked or returned, or when its fate is unknown
   */
  async send(message: Message, record: WaitRecord, delayMs: number): Promise<RedeliveryWay> {
    const { definition, sender, delayed } = this.#setup;
    const { queue } = definition;
    const room = await delayed.room();
    try {
      if (this.#rungs.has(delayMs)) {
        await this.#declareRungs();
        await this.#declareReturn();
        const to = { exchange: rungName(room, delayMs), routingKey: queue };
        await sender.send(waitingCopy(message, record, to, sender.frameMax));
        return 'ladder';
      }
      await this.#declareReturn();
      const to = { exchange: returnExchange(room), routingKey: queue };
      const copy = waitingCopy(message, record, to, sender.frameMax);
      await sender.send(await delayed.onItsWay(copy, Math.min(delayMs, MAX_DELAY_MS)));
      return 'levels';
    } catch (error) {
      // Somebody may have deleted what it should wait in: it is declared again before the next.
      delayed.forget();
      throw error;
    }
  }

  /** How messages wait, by the last look; `undefined` for a listener that does not redeliver. */
  inspect(): RedeliverySnapshot | undefined {
    if (this.#rungs.size === 0) return undefined;
    const { delayed } = this.#setup;
    const room = delayed.knownRoom;
    const way = this.isNative ? 'native' : 'ladder';
    const snapshot = { way, delaysMs: [...this.#rungs] } as const;
    if (room === undefined) return snapshot;
    const waiting = snapshot.delaysMs.flatMap((delayMs) => {
      const count = delayed.counted(rungName(room, delayMs));
      return count === undefined ? [] : [{ delayMs, messages: count.messages, untilAt: count.lookedAt + delayMs }];
    });
    const queue = strandedQueue(room);
    const stranded = delayed.counted(queue)?.messages;
    return {
      ...snapshot,
      ...(waiting.length > 0 && way === 'ladder' && { waiting }),
      ...(stranded !== undefined && { stranded: { queue, messages: stranded } }),
    };
  }

  /** Queues whose counts {@link inspect} tells. */
  get queues(): readonly string[] {
    const room = this.#setup.delayed.knownRoom;
    if (room === undefined || this.#rungs.size === 0) return [];
    return [...[...this.#rungs].map((delayMs) => rungName(room, delayMs)), strandedQueue(room)];
  }

  /** Brings back what waits for the listener. */
  async release(): Promise<ReleaseReport> {
    const { definition, transport, sender, delayed, clock } = this.#setup;
    const { queue } = definition;
    const room = await delayed.room();
    await this.#declareReturn();
    await delayed.once('rungs 0', () => [returnTopology(room, []), rungTopology(room, [NO_DELAY_MS])]);
    const to = { exchange: rungName(room, NO_DELAY_MS), routingKey: queue };
    const move = (message: Message) => sender.send(movedCopy(message, to));
    const isOurs = ({ routingKey }: Message) => routingKey === queue;
    const comesBack = ({ routingKey, headers }: Message) =>
      routingKey === queue && delayTarget(headers) === returnExchange(room);
    const places = [
      ...[...this.#rungs].map((delayMs) => ({ queue: rungName(room, delayMs), isOurs, move })),
      ...levelQueues(room, delayed.upTo).map((level) => ({ queue: level, isOurs: comesBack, move })),
      {
        queue: strandedQueue(room),
        isOurs: ({ exchange, routingKey }: Message) => cameBack(exchange) && routingKey === queue,
        move,
      },
    ];
    let [released, complete] = [0, !this.isNative];
    for (const place of places) {
      const report = await releaseWaiting(place, transport, clock);
      released += report.released;
      complete &&= report.complete;
    }
    return { released, complete };
  }

  async #declareRungs(): Promise<void> {
    const { delayed } = this.#setup;
    const room = await delayed.room();
    const delaysMs = [...this.#rungs];
    await delayed.once(`rungs ${delaysMs.join(' ')}`, () => [returnTopology(room, []), rungTopology(room, delaysMs)]);
  }

  async #declareReturn(): Promise<void> {
    const { definition, delayed } = this.#setup;
    const room = await delayed.room();
    await delayed.once(`return ${definition.queue}`, () => [returnTopology(room, [definition.queue])]);
  }
}
