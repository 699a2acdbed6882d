import type { Delivery } from '../transport/transport.js';

/** A delivery that waits for its turn, and since when, by the monotonic clock. */
export interface WaitingDelivery {
  readonly delivery: Delivery;
  readonly since: number;
}

/**
 * First in, first out, without moving what stays; behind all of it what is to wait for the rest. What is set aside waits for
 * something of its own, and has no turn until it is brought back.
 */
export class WaitingDeliveries {
  /** From the head to the end: places are used again, as long as it is emptied from time to time. */
  #items: (WaitingDelivery | undefined)[] = [];
  #head = 0;
  #end = 0;
  #inOrder = true;
  #behind: WaitingDelivery[] = [];
  readonly #aside = new Set<WaitingDelivery>();

  get size(): number {
    return this.sizeAhead + this.#behind.length + this.#aside.size;
  }

  get first(): WaitingDelivery | undefined {
    return this.#items[this.#head] ?? this.#behind[0];
  }

  /** What waits, but for what waits behind the rest. */
  get sizeAhead(): number {
    return this.#end - this.#head;
  }

  /** Since when the one waits that has waited for longest: not always the first, where something was put back. */
  get oldestSince(): number | undefined {
    let oldest = this.first?.since;
    if (this.#inOrder && this.#behind.length === 0 && this.#aside.size === 0) return oldest;
    for (const { since } of this) oldest = Math.min(oldest ?? since, since);
    return oldest;
  }

  /** Drops what does not pass the test. */
  keep(test: (delivery: Delivery) => boolean): void {
    this.#items = this.#items.filter((item) => item !== undefined && test(item.delivery));
    this.#head = 0;
    this.#end = this.#items.length;
    this.#behind = this.#behind.filter(({ delivery }) => test(delivery));
    for (const item of this.#aside) if (!test(item.delivery)) this.#aside.delete(item);
  }

  /** Takes the first out of the row, until it is brought back. */
  setFirstAside(): void {
    const first = this.first;
    if (first === undefined) return;
    this.shift();
    this.#aside.add(first);
  }

  /** What was set aside is the first again. Does nothing when it is not there any more. */
  bringBack(item: WaitingDelivery): void {
    if (this.#aside.delete(item)) this.unshift(item);
  }

  bringAllBack(): void {
    for (const item of this.#aside) this.bringBack(item);
  }

  /** All that waits, in the order of its turns; then nothing does. */
  takeAll(): readonly Delivery[] {
    const all = Array.from(this, ({ delivery }) => delivery);
    this.keep(() => false);
    return all;
  }

  push(delivery: Delivery, since: number): void {
    if (this.#end > 0 && since < (this.#items[this.#end - 1]?.since ?? since)) this.#inOrder = false;
    this.#items[this.#end++] = { delivery, since };
  }

  /** Has its turn when nothing else waits. */
  pushBehind(delivery: Delivery, since: number): void {
    this.#behind.push({ delivery, since });
  }

  /** Back to where it was taken from. */
  unshift(item: WaitingDelivery): void {
    if (item.since > (this.first?.since ?? item.since)) this.#inOrder = false;
    if (this.#head > 0) this.#items[--this.#head] = item;
    else {
      this.#items.unshift(item);
      this.#end++;
    }
  }

  *[Symbol.iterator](): Iterator<WaitingDelivery> {
    for (let index = this.#head; index < this.#end; index++) yield this.#items[index] as WaitingDelivery;
    yield* this.#behind;
    yield* this.#aside;
  }

  shift(): Delivery | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return this.#behind.shift()?.delivery;
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#end) {
      this.#head = 0;
      this.#end = 0;
      this.#inOrder = true;
    } else if (this.#head === 1024) {
      this.#items = this.#items.slice(this.#head, this.#end);
      this.#end -= this.#head;
      this.#head = 0;
    }
    return item.delivery;
  }
}
