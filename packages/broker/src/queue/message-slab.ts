import { copyBytes } from '../wire/frame-writer.js';
import { Message } from './message.js';

const SLAB_BYTES = 65_536;
/** Above this a message is kept in the buffer it came in: copying would cost more than the rest of the buffer weighs. */
const LARGEST_COPIED = 4_096;

/**
 * Keeps the bytes of small messages close together. In the buffer that a socket was read into they would hold on to the
 * frames around them, and a message that came alone to a buffer of its own, which weighs more than the message.
 */
export class MessageSlab {
  #bytes: Buffer = Buffer.alloc(0);
  #used = 0;

  /** Makes a message of properties and a body that lie in buffers nobody writes to any more. */
  message(
    exchange: string,
    routingKey: string,
    properties: Buffer,
    propertiesStart: number,
    propertiesEnd: number,
    body: Buffer,
    bodyStart: number,
    bodyEnd: number,
  ): Message {
    const size = propertiesEnd - propertiesStart + bodyEnd - bodyStart;
    if (size > LARGEST_COPIED) {
      return new Message(exchange, routingKey, properties, propertiesStart, propertiesEnd, body, bodyStart, bodyEnd);
    }
    if (this.#used + size > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const bytes = this.#bytes;
    const start = this.#used;
    const middle = start + propertiesEnd - propertiesStart;
    const end = start + size;
    copyBytes(properties, propertiesStart, propertiesEnd, bytes, start);
    copyBytes(body, bodyStart, bodyEnd, bytes, middle);
    this.#used = end;
    return new Message(exchange, routingKey, bytes, start, middle, bytes, middle, end);
  }
}
