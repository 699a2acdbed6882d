/** What is known of one message, as bits. */
export const ATTEMPTED = 1;
export const CONFIRMED = 2;
/** Its transaction was rolled back: nothing of it may ever be heard. */
export const ROLLED_BACK = 4;
/** The broker has confirmed a copy of it, in an error queue or where it waits. */
export const COPIED = 8;
/** A consumer has acknowledged it. */
export const ACKED = 16;
/** Its effect and the memory of it in a store may be apart: the process was killed, or the store was away, in between. */
export const EXCUSED = 32;

/**
 * What the ledgers say of every message, by its number, in arrays: some 70 bytes for each, whatever happens to it, so that a run
 * of any length can be judged.
 */
export class Book {
  flags = new Uint8Array(1024);
  /** Rows in the table of effects. */
  effects = new Uint8Array(1024);
  /** Calls of the handler. */
  starts = new Uint8Array(1024);
  /** How often it passed on its way to the exchange of the workload. */
  publishes = new Uint8Array(1024);
  /** Copies in the error queue. */
  parked = new Uint8Array(1024);
  /** On the dead letter queue. */
  dead = new Uint8Array(1024);
  /** Still on its queue at the end. */
  left = new Uint8Array(1024);
  /** Wall ms at which its first effect was committed; `Infinity` for none. */
  committedAt = new Float64Array(1024).fill(Number.POSITIVE_INFINITY);
  /** Monotonic µs at which the broker's first confirm passed; `Infinity` for none. */
  wireConfirmedAt = new Float64Array(1024).fill(Number.POSITIVE_INFINITY);
  /** Monotonic µs of its first attempt to be published; `Infinity` for none. */
  attemptedAt = new Float64Array(1024).fill(Number.POSITIVE_INFINITY);
  /** Monotonic µs at which it was delivered last; `-Infinity` for never. */
  deliveredAt = new Float64Array(1024).fill(Number.NEGATIVE_INFINITY);
  /** One more than the highest number. */
  size = 0;

  /** Makes room for a message. */
  see(n: number): void {
    if (n < this.size) return;
    this.size = n + 1;
    if (n < this.flags.length) return;
    const room = Math.max(n + 1, this.flags.length * 2);
    this.flags = copied(new Uint8Array(room), this.flags);
    this.effects = copied(new Uint8Array(room), this.effects);
    this.starts = copied(new Uint8Array(room), this.starts);
    this.publishes = copied(new Uint8Array(room), this.publishes);
    this.parked = copied(new Uint8Array(room), this.parked);
    this.dead = copied(new Uint8Array(room), this.dead);
    this.left = copied(new Uint8Array(room), this.left);
    this.committedAt = copied(new Float64Array(room).fill(Number.POSITIVE_INFINITY), this.committedAt);
    this.wireConfirmedAt = copied(new Float64Array(room).fill(Number.POSITIVE_INFINITY), this.wireConfirmedAt);
    this.deliveredAt = copied(new Float64Array(room).fill(Number.NEGATIVE_INFINITY), this.deliveredAt);
    this.attemptedAt = copied(new Float64Array(room).fill(Number.POSITIVE_INFINITY), this.attemptedAt);
  }

  mark(n: number, flag: number): void {
    this.see(n);
    this.flags[n] = (this.flags[n] ?? 0) | flag;
  }

  is(n: number, flag: number): boolean {
    return ((this.flags[n] ?? 0) & flag) !== 0;
  }
}

/** Counts one more, up to 255. */
export function count(array: Uint8Array, n: number): void {
  const before = array[n] ?? 0;
  if (before < 255) array[n] = before + 1;
}

function copied<T extends Uint8Array | Float64Array>(to: T, from: T): T {
  to.set(from as never);
  return to;
}
