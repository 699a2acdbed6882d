import type { Message, Publication, PublishOutcome, ReturnInfo } from '@leveret/core';

/** A publish that is not settled yet. */
export class InFlight {
  readonly publication: Publication;
  readonly settled: (outcome: PublishOutcome) => void;
  returned: ReturnInfo | undefined = undefined;
  /** As the broker counts what is published on a channel, from 1. */
  tag = 0;

  constructor(publication: Publication, settled: (outcome: PublishOutcome) => void) {
    this.publication = publication;
    this.settled = settled;
  }
}

/** So many places of what has settled may lie before the others. */
const MOST_SETTLED = 1024;

/**
 * The publishes in flight on one channel, oldest first, each at the place of its tag, so that adding and taking cost the same
 * however many there are.
 */
export class InFlightList {
  #entries: (InFlight | undefined)[] = [];
  /** Where the oldest is. */
  #head = 0;
  /** Tag of what is, or was, at the first place. */
  #firstTag = 1;

  add(entry: InFlight): void {
    entry.tag = this.#firstTag + this.#entries.length;
    this.#entries.push(entry);
  }

  /** The oldest. */
  get first(): InFlight | undefined {
    return this.#entries[this.#head];
  }

  /** Takes out one; `undefined` when it is not here any more. */
  take(tag: number): InFlight | undefined {
    const at = tag - this.#firstTag;
    const entry = this.#entries[at];
    if (entry === undefined) return undefined;
    this.#entries[at] = undefined;
    if (at === this.#head) this.#toOldest();
    return entry;
  }

  /** Takes out all, oldest first. */
  takeAll(): InFlight[] {
    const all = this.#entries.filter((entry) => entry !== undefined);
    this.#head = this.#entries.length;
    this.#forgetSettled();
    return all;
  }

  /**
   * The publish that a returned message belongs to: the oldest mandatory one not yet returned with the same exchange,
   * routing key and message id; the body decides among those without an id. The broker returns messages in the order in
   * which they were published, and before it confirms them.
   */
  findReturned(message: Message): InFlight | undefined {
    let first: InFlight | undefined;
    for (let at = this.#head; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry === undefined || entry.returned !== undefined || !isSame(entry.publication, message)) continue;
      if (message.messageId !== undefined || entry.publication.body.equals(message.body)) return entry;
      first ??= entry;
    }
    return first;
  }

  #toOldest(): void {
    while (this.#head < this.#entries.length && this.#entries[this.#head] === undefined) this.#head++;
    if (this.#head === this.#entries.length || this.#head >= MOST_SETTLED) this.#forgetSettled();
  }

  #forgetSettled(): void {
    this.#firstTag += this.#head;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }
}

function isSame(publication: Publication, message: Message): boolean {
  return (
    publication.mandatory &&
    publication.routingKey === message.routingKey &&
    publication.exchange === message.exchange &&
    publication.properties.messageId === message.messageId
  );
}
