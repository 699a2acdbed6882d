import type { Acknowledgement, Settlement } from '../acknowledgement/acknowledgement.js';
import type { Outcome } from '../acknowledgement/outcome.js';
import type { Delivery } from '../transport/transport.js';

/** Where a handler of manual mode settles: at the broker, or with a guard in between. */
export type HandlerSettlement = Pick<Acknowledgement, 'outcome' | 'settle'>;

/**
 * - `held`: the guard has neither remembered the message nor forgotten it; what the handler asks for is kept.
 * - `remembered`: the message is handled; a late ack goes to the broker, anything else would contradict the guard.
 * - `dead`: the attempt is undone; whatever is asked now is refused.
 */
type State =
  | { readonly name: 'held'; readonly asked: Outcome | undefined }
  | { readonly name: 'remembered' }
  | { readonly name: 'dead' };

/**
 * What a handler of manual mode asks for under a guard. It is kept until the guard has remembered the message, or
 * forgotten it: an ack that overtook a commit would lose the message with the transaction, and so would one that comes
 * behind a rollback, from a handler that runs on.
 */
export class DeferredSettlement implements HandlerSettlement {
  readonly #delivery: Delivery;
  readonly #acknowledgement: Acknowledgement;
  readonly #onLate: (outcome: Outcome) => void;
  #state: State = { name: 'held', asked: undefined };

  /** @param onLate told what a handler asks for behind the failed result of its attempt */
  constructor(delivery: Delivery, acknowledgement: Acknowledgement, onLate: (outcome: Outcome) => void) {
    this.#delivery = delivery;
    this.#acknowledgement = acknowledgement;
    this.#onLate = onLate;
  }

  get outcome(): Outcome | undefined {
    if (this.#state.name === 'held') return this.#state.asked;
    const { outcome } = this.#acknowledgement;
    return this.#state.name === 'remembered' ? (outcome ?? 'ack') : outcome;
  }

  /** The handler put the message back, or rejected it: it is not handled. */
  get undone(): boolean {
    return this.#state.name === 'held' && this.#state.asked !== undefined && this.#state.asked !== 'ack';
  }

  settle(outcome: Outcome): Settlement {
    switch (this.#state.name) {
      case 'held': {
        const { asked } = this.#state;
        if (asked !== undefined) return asked === outcome ? 'repeated' : 'conflict';
        this.#state = { name: 'held', asked: outcome };
        return this.#delivery.channel.isOpen ? 'sent' : 'channel-gone';
      }
      case 'remembered':
        // It would come again, and be taken for a duplicate.
        if (this.#acknowledgement.outcome === undefined && outcome !== 'ack') return 'conflict';
        return this.#acknowledgement.settle(outcome);
      case 'dead':
        this.#onLate(outcome);
        return 'over';
    }
  }

  /** The guard has the message: sends what was asked for, and from now on a late ack. */
  remembered(): void {
    const asked = this.#end({ name: 'remembered' });
    if (asked !== undefined) this.#acknowledgement.settle(asked);
  }

  /** The attempt is undone. Sends what agrees with that: an ack does not. */
  failed(): void {
    const asked = this.#end({ name: 'dead' });
    if (asked !== undefined && asked !== 'ack') this.#acknowledgement.settle(asked);
  }

  #end(state: State): Outcome | undefined {
    const asked = this.#state.name === 'held' ? this.#state.asked : undefined;
    this.#state = state;
    return asked;
  }
}
