import type { Acknowledgement, Settlement } from '../acknowledgement/acknowledgement.js';
import type { Outcome } from '../acknowledgement/outcome.js';
import type { Delivery } from '../transport/transport.js';

/** Where a handler of manual mode settles: at the broker, or with a guard in between. */
export type HandlerSettlement = Pick<Acknowledgement, 'outcome' | 'settle'>;

/**
 * What a handler of manual mode asks for under a guard. It is kept until the guard has remembered the message, or
 * forgotten it: an ack that overtook a commit would lose the message with the transaction.
 */
export class HeldSettlement implements HandlerSettlement {
  readonly #delivery: Delivery;
  readonly #acknowledgement: Acknowledgement;
  #asked: Outcome | undefined;
  #held = true;

  constructor(delivery: Delivery, acknowledgement: Acknowledgement) {
    this.#delivery = delivery;
    this.#acknowledgement = acknowledgement;
  }

  get outcome(): Outcome | undefined {
    return this.#held ? this.#asked : this.#acknowledgement.outcome;
  }

  /** The handler put the message back, or rejected it: it is not handled. */
  get undone(): boolean {
    return this.#asked !== undefined && this.#asked !== 'ack';
  }

  settle(outcome: Outcome): Settlement {
    if (!this.#held) return this.#acknowledgement.settle(outcome);
    if (this.#asked !== undefined) return this.#asked === outcome ? 'repeated' : 'conflict';
    this.#asked = outcome;
    return this.#delivery.channel.isOpen ? 'sent' : 'channel-gone';
  }

  /** Sends what was asked for, and from now on at once. An ack is only sent when the message is remembered. */
  letGo(remembered: boolean): void {
    this.#held = false;
    if (this.#asked === undefined || (this.#asked === 'ack' && !remembered)) return;
    this.#acknowledgement.settle(this.#asked);
  }
}
