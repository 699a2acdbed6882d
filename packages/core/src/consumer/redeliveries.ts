import { MAX_DELAY_MS } from '../delay/levels.js';
import { rungName, rungTopology } from '../delay/rungs.js';
import { waitingCopy } from '../delay/waiting-copy.js';
import { returnExchange, returnTopology } from '../delay/waiting-room.js';
import type { Message } from '../message/message.js';
import type { WaitRecord } from '../message/wait-record.js';
import type { DelayedPublishes } from '../publisher/delayed-publishes.js';
import type { ConfirmedSender } from '../recoverer/recoverer.js';
import { delaysOf, linearRule } from '../retry/redeliver-delays.js';
import type { Transport } from '../transport/transport.js';
import type { ListenerDefinition } from './listener-definition.js';

/** By what a message waits: the queue itself, a queue for its delay, or the binary digits of its delay. */
export type RedeliveryWay = 'native' | 'ladder' | 'levels';

/** What {@link Redeliveries} stands on. */
export interface RedeliveriesSetup {
  readonly definition: ListenerDefinition;
  readonly transport: Transport;
  readonly sender: ConfirmedSender;
  readonly delayed: DelayedPublishes;
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
