/** One `basic.ack`. With `multiple` it stands for every delivery of its channel up to the tag that is not settled yet. */
export interface AckFrame {
  readonly deliveryTag: number;
  readonly multiple: boolean;
}

/** Tags without a gap, the ends included. */
interface Run {
  from: number;
  to: number;
}

/**
 * The acks of one channel that have not been sent, and what they can be sent as. A tag counts as open until it is said to be
 * finished or settled, whether its delivery has been seen or not, and no frame ever stands for an open one: tags up to the
 * first open one become one `multiple` ack, those behind it one ack each.
 *
 * It remembers tags as runs, of which there are no more than open deliveries with finished ones behind them.
 * @see docs/decisions/0017-acks-of-a-turn-leave-as-one.md
 */
export class CoalescedAcks {
  /** No tag up to here is open. The broker counts from 1. */
  #through = 0;
  /** What is finished or settled behind an open tag, in order. */
  readonly #behind: Run[] = [];
  #unsent: number[] = [];

  /** How many acks wait to be sent. */
  get size(): number {
    return this.#unsent.length;
  }

  /** The delivery is to be acknowledged. Answers `false` when it was finished or settled before. */
  finished(tag: number): boolean {
    if (!this.settled(tag)) return false;
    this.#unsent.push(tag);
    return true;
  }

  /** The delivery is settled by a frame of its own. Answers `false` when it was finished or settled before. */
  settled(tag: number): boolean {
    if (tag === this.#through + 1) {
      this.#through = tag;
      this.#join();
      return true;
    }
    return tag > this.#through && this.#note(tag);
  }

  /** The frames of all that waits, in the order of their tags; then nothing waits. */
  take(): readonly AckFrame[] {
    const unsent = this.#unsent;
    this.#unsent = [];
    let last = 0;
    let standFor = 0;
    const frames: AckFrame[] = [];
    for (const tag of unsent) {
      if (tag > this.#through) {
        frames.push({ deliveryTag: tag, multiple: false });
        continue;
      }
      standFor++;
      if (tag > last) last = tag;
    }
    if (frames.length > 1) frames.sort((a, b) => a.deliveryTag - b.deliveryTag);
    if (standFor > 0) frames.unshift({ deliveryTag: last, multiple: standFor > 1 });
    return frames;
  }

  #join(): void {
    const next = this.#behind[0];
    if (next?.from !== this.#through + 1) return;
    this.#through = next.to;
    this.#behind.shift();
  }

  #note(tag: number): boolean {
    const runs = this.#behind;
    // Most come behind all others.
    let at = runs.length;
    while (at > 0 && (runs[at - 1] as Run).from > tag) at--;
    const before = runs[at - 1];
    const after = runs[at];
    if (before !== undefined && before.to >= tag) return false;
    const joinsAfter = after?.from === tag + 1;
    if (before?.to === tag - 1) {
      before.to = joinsAfter ? (after as Run).to : tag;
      if (joinsAfter) runs.splice(at, 1);
    } else if (joinsAfter) (after as Run).from = tag;
    else runs.splice(at, 0, { from: tag, to: tag });
    return true;
  }
}
