import type { Delivery } from '../transport/transport.js';
import type { Outcome } from './outcome.js';

/** What came of settling. */
export type Settlement =
  /** A frame was sent. */
  | 'sent'
  /** The channel is gone: nothing was sent, the broker delivers the message again. */
  | 'channel-gone'
  /** It had been settled the same way before; nothing was sent. */
  | 'repeated'
  /** It had been settled differently before; nothing was sent. */
  | 'conflict'
  /** The attempt that asks is over, and undone: nothing was sent. */
  | 'over';

/**
 * The one place where a delivery is settled: once, on the channel that brought it. Settling a tag twice would make the
 * broker close the channel (406) and with it all other deliveries on it.
 * @see https://www.rabbitmq.com/docs/confirms#consumer-acks-double-acking
 */
export class Acknowledgement {
  readonly #delivery: Delivery;
  #outcome: Outcome | undefined;

  /** @param settledByBroker the consumer runs in `none` mode: there is nothing left to settle */
  constructor(delivery: Delivery, settledByBroker: boolean) {
    this.#delivery = delivery;
    if (settledByBroker) this.#outcome = 'ack';
  }

  /** How it was settled, if it was. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  settle(outcome: Outcome): Settlement {
    if (this.#outcome !== undefined) return this.#outcome === outcome ? 'repeated' : 'conflict';
    this.#outcome = outcome;
    return send(this.#delivery, outcome) ? 'sent' : 'channel-gone';
  }
}

function send({ channel, deliveryTag }: Delivery, outcome: Outcome): boolean {
  switch (outcome) {
    case 'ack':
      return channel.ack(deliveryTag);
    case 'requeue':
      return channel.reject(deliveryTag, true);
    case 'give-back':
      return channel.giveBack(deliveryTag);
    case 'reject':
      return channel.reject(deliveryTag, false);
    default:
      return outcome satisfies never;
  }
}
