import type { FrameWriter } from '../wire/frame-writer.js';

const ACK = 80;
const NACK = 120;

/**
 * Publisher confirms of one channel. Acks of one turn are joined into one basic.ack with `multiple`; a nack is written at
 * once, after the acks before it. RabbitMQ sets `multiple` on a nack even for a single message, and so does this.
 *
 * @see https://www.rabbitmq.com/docs/confirms
 */
export class Confirms {
  readonly #channel: number;
  readonly #writer: FrameWriter;
  #published = 0;
  #confirmed = 0;

  constructor(channel: number, writer: FrameWriter) {
    this.#channel = channel;
    this.#writer = writer;
  }

  /** Messages published since confirm.select. */
  get published(): number {
    return this.#published;
  }

  /** The next message is safe with the broker. */
  ack(): void {
    this.#published++;
  }

  /** The next message was refused. */
  nack(): void {
    this.flush();
    this.#published++;
    this.#confirmed = this.#published;
    this.#writer.settle(this.#channel, NACK, this.#published, true);
  }

  /** Writes the ack for everything since the last one. */
  flush(): void {
    const count = this.#published - this.#confirmed;
    if (count === 0) return;
    this.#confirmed = this.#published;
    this.#writer.settle(this.#channel, ACK, this.#published, count > 1);
  }
}
