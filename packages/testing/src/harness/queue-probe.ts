import type { BrokerSide } from '../broker/broker-side.js';
import type { QueuedMessage } from '../broker/queued-message.js';

/** A queue of the broker, seen from outside the application. */
export class QueueProbe {
  readonly name: string;
  readonly #side: BrokerSide;

  constructor(name: string, side: BrokerSide) {
    this.name = name;
    this.#side = side;
  }

  /**
   * The messages that are ready, first in the queue first. On the embedded broker looking changes nothing; on a real one
   * they are taken and given back, and count as redelivered afterwards.
   */
  get messages(): Promise<readonly QueuedMessage[]> {
    return this.#side.messages(this.name);
  }
}
