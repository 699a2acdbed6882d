import { pause, systemClock } from '@leveret/core';
import { type Ending, WorkerProcess } from './worker-process.js';
import type { Order } from './worker-protocol.js';

/** What a lane has done: how many workers died, and the messages that must have taken effect once. */
export interface LaneReport {
  readonly kills: number;
  readonly orders: readonly string[];
  /** Every publish that reached the broker, repetitions included. */
  readonly published: readonly string[];
}

/**
 * Plays the broker for one worker at a time: delivers messages, and delivers again what was not settled. The worker is
 * killed at the first step of a delivery, then, with another message, at the second, and so on to the last; then the same
 * with each step of the relay. What the relay publishes is delivered to a second listener.
 */
export class CrashLane {
  readonly #url: string;
  readonly #plant: string | undefined;
  readonly #orders: string[] = [];
  readonly #published: string[] = [];
  #worker: WorkerProcess;
  /** Started ahead: starting takes longer than all that it does. */
  #next: WorkerProcess;
  #kills = 0;

  constructor(url: string, plant?: string) {
    this.#url = url;
    this.#plant = plant;
    this.#worker = new WorkerProcess(url, plant);
    this.#next = new WorkerProcess(url, plant);
  }

  /** Goes over all steps, and over them again until enough workers are dead. @param every 1 kills at each step, 4 at each fourth */
  async run(atLeastKills: number, every = 1): Promise<LaneReport> {
    for (let round = 0; round === 0 || this.#kills < atLeastKills; round++) {
      await this.#killAtEveryStep(() => ({ type: 'deliver', listener: 'orders', id: this.#newOrder() }), every);
      await this.#killAtEveryStep(() => ({ type: 'relay' }), every);
    }
    await this.#relayTheRest();
    for (const id of this.#published) await this.#deliverUntilSettled({ type: 'deliver', listener: 'mails', id });
    await Promise.all([this.#worker.end(), this.#next.end()]);
    return { kills: this.#kills, orders: this.#orders, published: this.#published };
  }

  destroy(): void {
    this.#worker.destroy();
    this.#next.destroy();
  }

  async #killAtEveryStep(newOrder: () => Order, every: number): Promise<void> {
    for (let killAt = 1; ; ) {
      const order = newOrder();
      if (order.type === 'relay') await this.#deliverNew();
      const ending = await this.#order({ ...order, killAt });
      if (ending.type === 'died') killAt += every;
      if (order.type === 'deliver' && !isDone(ending)) await this.#deliverUntilSettled(order);
      // It came to its end before that step: there are no more.
      if (isDone(ending)) return;
    }
  }

  #newOrder(): string {
    const id = `order-${this.#orders.length}`;
    this.#orders.push(id);
    return id;
  }

  #deliverNew(): Promise<void> {
    return this.#deliverUntilSettled({ type: 'deliver', listener: 'orders', id: this.#newOrder() });
  }

  async #deliverUntilSettled(order: Order): Promise<void> {
    for (let deliveries = 0; deliveries < 20; deliveries++) {
      if (isDone(await this.#order(order))) return;
    }
    throw new Error(`${JSON.stringify(order)} was not settled in 20 deliveries`);
  }

  /** Relays until nothing has been left for longer than the leases of dead relays last. */
  async #relayTheRest(): Promise<void> {
    for (let quietSince = performance.now(); performance.now() - quietSince < 500; ) {
      const ending = await this.#order({ type: 'relay' });
      if (ending.type === 'relayed' && ending.taken > 0) quietSince = performance.now();
      else await pause(systemClock, 20);
    }
  }

  async #order(order: Order): Promise<Ending> {
    const worker = this.#worker;
    const ending = await worker.order(order);
    this.#published.push(...worker.published.splice(0));
    if (ending.type !== 'died') return ending;
    this.#kills++;
    this.#worker = this.#next;
    this.#next = new WorkerProcess(this.#url, this.#plant);
    return ending;
  }
}

/** A delivery that can be acknowledged, or a relay that found something and has written it down. */
function isDone(ending: Ending): boolean {
  if (ending.type === 'relayed') return ending.taken > 0;
  return ending.type === 'settled' && ending.kinds.every((kind) => kind === 'handled' || kind === 'duplicate');
}
