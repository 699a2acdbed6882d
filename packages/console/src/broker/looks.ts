import type { Clock } from '@leveret/core';
import { type HoldLimits, type LookedQueue, look, type ParkedMessage } from '@leveret/operations';
import type { FaultJson } from '../contract/contract.js';
import { faultOf } from '../http/console-fault.js';
import type { BrokerLink } from './broker-link.js';
import type { ErrorQueueList } from './error-queue-list.js';

/** What a look at one queue came to, and when. */
export interface Look {
  readonly queue: string;
  /** Milliseconds since the epoch. */
  readonly lookedAt: number;
  readonly looked: LookedQueue | undefined;
  readonly messages: readonly ParkedMessage[];
  /** It could not be looked at. */
  readonly fault: FaultJson['error'] | undefined;
}

interface Shared {
  readonly look: Promise<Look>;
  /** By the monotonic hand; `undefined` while it is going on. */
  endedAt: number | undefined;
}

/**
 * Looks at queues, shared between all who want to see the same: a look takes every message in hand for a moment, and on quorum
 * queues before RabbitMQ 4.3 writes each anew.
 */
export class Looks {
  readonly #link: BrokerLink;
  readonly #list: ErrorQueueList;
  readonly #clock: Clock;
  readonly #shareMs: number;
  readonly #limits: HoldLimits | undefined;
  readonly #shared = new Map<string, Shared>();

  constructor(link: BrokerLink, list: ErrorQueueList, clock: Clock, shareMs: number, limits: HoldLimits | undefined) {
    this.#link = link;
    this.#list = list;
    this.#clock = clock;
    this.#shareMs = shareMs;
    this.#limits = limits;
  }

  /** At each of these queues. `anew`: not what others were shown a moment ago. A queue that cannot be looked at answers a fault. */
  at(queues: readonly string[], anew = false): Promise<readonly Look[]> {
    return Promise.all([...new Set(queues)].map((queue) => this.#at(queue, anew)));
  }

  /** What was seen holds no longer. */
  forget(queues: readonly string[]): void {
    for (const queue of queues) this.#shared.delete(queue);
  }

  #at(queue: string, anew: boolean): Promise<Look> {
    const known = this.#shared.get(queue);
    const isFresh = known?.endedAt === undefined || (!anew && this.#clock.monotonic() - known.endedAt < this.#shareMs);
    if (known !== undefined && isFresh) return known.look;
    const shared: Shared = { look: this.#look(queue), endedAt: undefined };
    this.#shared.set(queue, shared);
    void shared.look.then(() => {
      shared.endedAt = this.#clock.monotonic();
      // So that nothing that was seen stays in memory.
      this.#clock.after(this.#shareMs, () => {
        if (this.#shared.get(queue) === shared) this.#shared.delete(queue);
      });
    });
    return shared.look;
  }

  async #look(queue: string): Promise<Look> {
    const lookedAt = this.#clock.now();
    try {
      const session = await this.#link.session();
      const { queues, messages } = await this.#list.whileInHand([queue], () => look(session, [queue], this.#limits));
      const [looked] = queues;
      if (looked !== undefined) this.#list.heardOfStaged(queue, looked.staged);
      return { queue, lookedAt, looked, messages, fault: undefined };
    } catch (error) {
      return { queue, lookedAt, looked: undefined, messages: [], fault: faultOf(error).fault.error };
    }
  }
}
