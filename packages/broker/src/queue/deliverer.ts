import type { Backlog } from './backlog.js';
import type { Consumer } from './consumer.js';
import type { Message } from './message.js';
import type { QueueType } from './queue-arguments.js';
import type { Handover, QueueConsumers } from './queue-consumers.js';

/** Most messages of one round of a quorum queue: between rounds the receivers may turn out to be full. */
const ROUND = 256;

/** What a deliverer needs from its queue. */
export interface DelivererHost {
  readonly type: QueueType;
  /** A message is handed out and will be settled. */
  handedOut(message: Message): void;
}

/** Hands the messages of a queue to its consumers. While it is at it, it does not begin again. */
export class Deliverer {
  readonly #host: DelivererHost;
  readonly #backlog: Backlog;
  readonly #consumers: QueueConsumers;
  #busy = false;

  constructor(host: DelivererHost, backlog: Backlog, consumers: QueueConsumers) {
    this.#host = host;
    this.#backlog = backlog;
    this.#consumers = consumers;
  }

  /** Whether it is in the middle of handing out. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Hands a new message to a consumer with room; `false` when there is none. */
  deliverDirectly(message: Message): boolean {
    if (this.#busy) return false;
    const consumer = this.#consumers.next();
    if (consumer === undefined) return false;
    this.#busy = true;
    try {
      this.#count(consumer, message);
      consumer.owner.deliver(consumer, message);
      this.#consumers.handed(consumer);
    } finally {
      this.#busy = false;
    }
    return true;
  }

  /**
   * Delivers as long as there are messages and consumers with room.
   *
   * @param keepsHeads what expires now is offered once more
   */
  deliver(keepsHeads: boolean): void {
    this.#busy = true;
    try {
      if (!keepsHeads) this.#backlog.expireHeads();
      while (this.#deliverRound());
    } finally {
      this.#busy = false;
    }
  }

  /** `true` when there may be more. */
  #deliverRound(): boolean {
    const backlog = this.#backlog;
    const round: Handover[] = [];
    while (backlog.length > 0 && round.length < ROUND) {
      const consumer = this.#consumers.next();
      const message = consumer === undefined ? undefined : backlog.shift();
      if (consumer === undefined || message === undefined) break;
      this.#count(consumer, message);
      if (this.#host.type === 'classic') consumer.owner.deliver(consumer, message);
      else round.push({ consumer, message });
      this.#consumers.handed(consumer);
      backlog.expireHeads();
    }
    for (const { consumer, message } of this.#consumers.inSendingOrder(round))
      consumer.owner.deliver(consumer, message);
    return round.length === ROUND;
  }

  #count(consumer: Consumer, message: Message): void {
    if (consumer.noAck) return;
    this.#host.handedOut(message);
    consumer.unacked++;
  }
}
