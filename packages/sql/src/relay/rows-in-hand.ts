import type { OutboxEntry, RawRow } from '../outbox/outbox-row.js';
import type { Room } from './choose-rows.js';

/** A row in hand: leased, and not yet written down. */
export interface RowInHand extends OutboxEntry {
  readonly key: string | undefined;
  readonly destination: string;
  /** Bytes of its body. */
  readonly size: number;
  /** The message; `undefined` once it is known what becomes of it. */
  row: RawRow | undefined;
  /** Until when nobody else takes it, by the monotonic clock. */
  leasedUntil: number;
}

/** How much may be in hand. */
export interface HandLimits {
  readonly batchSize: number;
  readonly batchBytes: number;
}

/** What is slow or settled may be in hand besides the usual amount, up to so many times of it. */
const MOST = 4;

/** The rows that a relay has leased, and how much room they leave. */
export class RowsInHand {
  readonly #limits: HandLimits;
  readonly #rows = new Map<number, RowInHand>();
  #unsettled = 0;
  #bytes = 0;
  #onEmpty: (() => void)[] = [];

  constructor(limits: HandLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#rows.size;
  }

  get ids(): readonly number[] {
    return [...this.#rows.keys()];
  }

  get(id: number): RowInHand | undefined {
    return this.#rows.get(id);
  }

  add(held: RowInHand): void {
    this.#rows.set(held.id, held);
    this.#unsettled++;
    this.#bytes += held.size;
  }

  /** It is known what becomes of a row: its message is let go, and leaves room. */
  settle(id: number): void {
    const held = this.#rows.get(id);
    if (held?.row === undefined) return;
    held.row = undefined;
    this.#unsettled--;
    this.#bytes -= held.size;
  }

  /** Rows that are written down, or given up. */
  remove(ids: readonly number[]): void {
    for (const id of ids) {
      this.settle(id);
      this.#rows.delete(id);
    }
    if (this.#rows.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  /** @param slow rows that have waited for an answer for so long that others are sent in their place */
  room(slow: readonly number[]): Room {
    const { batchSize, batchBytes } = this.#limits;
    const slowBytes = slow.reduce((sum, id) => sum + (this.#rows.get(id)?.size ?? 0), 0);
    const rows = Math.min(batchSize - (this.#unsettled - slow.length), batchSize * MOST - this.#rows.size);
    const bytes = Math.min(batchBytes - (this.#bytes - slowBytes), batchBytes * MOST - this.#bytes);
    return { rows: Math.max(0, rows), bytes: Math.max(0, bytes), empty: this.#unsettled === slow.length };
  }

  /** Resolves when nothing is in hand. */
  async emptied(): Promise<void> {
    if (this.#rows.size > 0) await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
  }
}
