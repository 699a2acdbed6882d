import type { Message, Publication, PublishOutcome, ReturnInfo } from '@leveret/core';

/** A publish that is not settled yet. */
export class InFlight {
  readonly publication: Publication;
  readonly settled: (outcome: PublishOutcome) => void;
  returned: ReturnInfo | undefined = undefined;
  previous: InFlight | undefined = undefined;
  next: InFlight | undefined = undefined;

  constructor(publication: Publication, settled: (outcome: PublishOutcome) => void) {
    this.publication = publication;
    this.settled = settled;
  }
}

/**
 * The publishes in flight on one channel, oldest first: a list linked through its members, so that adding and removing
 * cost the same however many there are.
 */
export class InFlightList {
  #first: InFlight | undefined;
  #last: InFlight | undefined;

  add(entry: InFlight): void {
    entry.previous = this.#last;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
  }

  remove(entry: InFlight): void {
    if (entry.previous === undefined) this.#first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.#last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
  }

  /** Takes out all, oldest first. */
  takeAll(): InFlight[] {
    const all: InFlight[] = [];
    for (let entry = this.#first; entry !== undefined; entry = entry.next) all.push(entry);
    this.#first = undefined;
    this.#last = undefined;
    return all;
  }

  /**
   * The publish that a returned message belongs to: the oldest mandatory one not yet returned with the same exchange,
   * routing key and message id; the body decides among those without an id. The broker returns messages in the order in
   * which they were published, and before it confirms them.
   */
  findReturned(message: Message): InFlight | undefined {
    let first: InFlight | undefined;
    for (let entry = this.#first; entry !== undefined; entry = entry.next) {
      if (entry.returned !== undefined || !isSame(entry.publication, message)) continue;
      if (message.messageId !== undefined || entry.publication.body.equals(message.body)) return entry;
      first ??= entry;
    }
    return first;
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
