import type { Message } from '../message/message.js';

/** A message that is being handled. `ended` settles when its handler does. */
export interface Work {
  readonly message: Message;
  readonly ended: Promise<unknown>;
}

/**
 * Handlers of a listener that run on although the broker delivers their message again. None is handled beside its
 * redelivery: that waits for the end of the first.
 */
export class StillAtWork {
  readonly #works = new Set<Work>();
  readonly #workers = new Set<Worker>();

  /** What a worker works at counts: a redelivery can come before the news that its message was taken back. */
  join(worker: Worker): void {
    this.#workers.add(worker);
  }

  /** The worker is gone, or goes on to something else: what it works at counts until it ends. */
  leave(worker: Worker): void {
    this.#workers.delete(worker);
    for (const work of worker.works) this.add(work);
  }

  add(work: Work): void {
    this.#works.add(work);
    const forget = () => this.#works.delete(work);
    work.ended.then(forget, forget);
  }

  /** Settles when a handler of the same message has ended; `undefined` when none is at work. */
  onThe(message: Message): Promise<unknown> | undefined {
    if (!message.redelivered) return undefined;
    for (const work of this.#works) if (isSame(work.message, message)) return work.ended;
    for (const { works } of this.#workers) {
      for (const work of works) if (isSame(work.message, message)) return work.ended;
    }
    return undefined;
  }
}

/** Works at messages. */
export interface Worker {
  readonly works: Iterable<Work>;
}

/** By its id; without one, by what it says and the way it came. */
function isSame(one: Message, other: Message): boolean {
  if (one.messageId !== undefined || other.messageId !== undefined) return one.messageId === other.messageId;
  return one.routingKey === other.routingKey && one.exchange === other.exchange && one.body.equals(other.body);
}
