import type { Publication } from './publisher.js';
import type { Delivery } from './unacked-deliveries.js';

/** A settlement that waits for the commit. */
export interface PendingSettlement {
  readonly deliveries: readonly Delivery[];
  readonly apply: () => void;
}

/** What a channel in tx mode holds back until tx.commit. */
export class Transaction {
  #publications: Publication[] = [];
  #settlements: PendingSettlement[] = [];

  /** About how many bytes of memory the publications take. */
  get weight(): number {
    return this.#publications.reduce((sum, { message }) => sum + message.weight, 0);
  }

  publish(publication: Publication): void {
    this.#publications.push(publication);
  }

  settle(settlement: PendingSettlement): void {
    this.#settlements.push(settlement);
  }

  /** Takes everything: publications first, then settlements. */
  take(): { publications: readonly Publication[]; settlements: readonly PendingSettlement[] } {
    const taken = { publications: this.#publications, settlements: this.#settlements };
    this.#publications = [];
    this.#settlements = [];
    return taken;
  }
}
