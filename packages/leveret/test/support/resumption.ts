import { after } from 'mocha';
import { eventually } from './eventually.js';
import type { RawClient } from './raw-client.js';

/** When a consumer took its orders, to tell how long it was away. */
export class Resumption {
  readonly #seen: { readonly id: number; readonly at: number }[] = [];
  readonly #raw: RawClient;
  readonly #queue: string;
  #next = 1000;

  constructor(raw: RawClient, queue: string) {
    this.#raw = raw;
    this.#queue = queue;
  }

  /** To be called by the handler. */
  readonly took = (order: { readonly id: number }): void => {
    this.#seen.push({ id: order.id, at: performance.now() });
  };

  get ids(): readonly number[] {
    return this.#seen.map(({ id }) => id);
  }

  /**
   * Puts an order on the queue and waits until it was taken.
   * @returns milliseconds from `since` (default: from now) until the handler had it
   */
  async untilTaken(since = performance.now(), limitMs = 20_000): Promise<number> {
    const id = this.#next++;
    await this.#raw.send(this.#queue, { id });
    const taken = await eventually(`order ${id}`, () => this.#seen.find((each) => each.id === id), limitMs);
    return taken.at - since;
  }
}

/** By fault: how long it took on each broker. */
const measured = new Map<string, string[]>();

/** Prints how long it took to consume again, after the run. */
export function report(broker: string, fault: string, ms: number): void {
  measured.set(fault, [...(measured.get(fault) ?? []), `${Math.round(ms)} ms on ${broker}`]);
}

after('print how long it took to consume again', () => {
  if (measured.size === 0) return;
  const lines = [...measured].map(([fault, times]) => `    ${fault}: ${times.join(', ')}`);
  console.log(`\n  consuming again after\n${lines.join('\n')}`);
});
