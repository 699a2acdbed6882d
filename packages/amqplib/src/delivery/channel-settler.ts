import type { Message as AmqplibMessage, Channel } from 'amqplib';
import { atEndOfTurn } from '../connection/end-of-turn.js';
import { ChannelWire } from '../wire/channel-wire.js';
import { ackFrame, giveBackAllFrame, giveBackFrame, rejectFrame } from '../wire/settle-frames.js';
import { CoalescedAcks } from './coalesced-acks.js';

/**
 * Settles the deliveries of one channel. Acks leave together at the end of a turn of the event loop, in as few frames as can
 * stand for them, and before any other settlement; what was settled before is not settled again, which would end the channel.
 * Every method answers `false` when the channel is gone. None throws.
 */
export class ChannelSettler {
  /** How many acks may wait. */
  messagesPerAck = 1;
  readonly #channel: Channel;
  readonly #wire: ChannelWire | undefined;
  /** What was written on the connection is to leave at once. */
  readonly #flush: () => void;
  readonly #acks = new CoalescedAcks();
  #sendsLater = false;
  #open = true;
  #settled = 0;

  constructor(channel: Channel, flush: () => void) {
    this.#channel = channel;
    this.#wire = ChannelWire.of(channel);
    this.#flush = flush;
  }

  /** How many deliveries were settled, or will be at the end of this turn. */
  get settled(): number {
    return this.#settled;
  }

  ack(deliveryTag: number): boolean {
    if (!this.#acks.finished(deliveryTag)) return this.#open;
    this.#settled++;
    if (this.#acks.size >= this.messagesPerAck) {
      if (!this.sendAcks()) return false;
      this.#flush();
    } else if (!this.#sendsLater) {
      this.#sendsLater = true;
      atEndOfTurn(this.#atEndOfTurn);
    }
    return this.#open;
  }

  reject(deliveryTag: number, requeue: boolean): boolean {
    return this.#settleAlone(deliveryTag, (wire) => {
      if (wire === undefined) this.#channel.reject(tagged(deliveryTag), requeue);
      else wire.write(rejectFrame(wire.number, deliveryTag, requeue));
    });
  }

  giveBack(deliveryTag: number): boolean {
    return this.#settleAlone(deliveryTag, (wire) => {
      if (wire === undefined) this.#channel.nack(tagged(deliveryTag), false, true);
      else wire.write(giveBackFrame(wire.number, deliveryTag));
    });
  }

  /** Gives back every delivery that is not settled, with one frame. */
  giveBackAll(): boolean {
    if (!this.sendAcks()) return false;
    const wire = this.#wire;
    return this.#send(() => {
      if (wire === undefined) this.#channel.nackAll(true);
      else wire.write(giveBackAllFrame(wire.number));
    });
  }

  /** Sends the acks that wait. Without a channel the broker delivers their messages again. */
  sendAcks(): boolean {
    return this.#acks.size === 0 || this.#send(() => this.#writeAcks());
  }

  /** The channel is gone: nothing is sent any more. */
  end(): void {
    this.#open = false;
  }

  readonly #atEndOfTurn = () => {
    this.#sendsLater = false;
    this.sendAcks();
  };

  #settleAlone(deliveryTag: number, write: (wire: ChannelWire | undefined) => void): boolean {
    if (!this.sendAcks()) return false;
    if (!this.#acks.settled(deliveryTag)) return this.#open;
    this.#settled++;
    return this.#send(() => write(this.#wire));
  }

  #writeAcks(): void {
    const wire = this.#wire;
    for (const { deliveryTag, multiple } of this.#acks.take()) {
      if (wire === undefined) this.#channel.ack(tagged(deliveryTag), multiple);
      else wire.write(ackFrame(wire.number, deliveryTag, multiple));
    }
  }

  #send(write: () => void): boolean {
    if (!this.#open || this.#wire?.isOpen === false) {
      this.#open = false;
      return false;
    }
    try {
      write();
    } catch {
      this.#open = false;
    }
    return this.#open;
  }
}

/** amqplib takes a message where the protocol takes a tag. */
function tagged(deliveryTag: number): AmqplibMessage {
  return { fields: { deliveryTag } } as AmqplibMessage;
}
