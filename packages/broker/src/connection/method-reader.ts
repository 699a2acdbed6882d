import type { PublishMethod } from '../channel/publisher.js';
import { connectionError } from '../errors/amqp-error.js';
import { MalformedTableError } from '../wire/field-table.js';
import { decodeMethod, MalformedMethodError, type MethodArguments, methodNumber } from '../wire/methods.js';
import { octets } from '../wire/octets-text.js';

/** basic.publish as the number errors are reported under. */
export const BASIC_PUBLISH = methodNumber(60, 40);

/** Reads the fields of the methods on one connection. */
export class MethodReader {
  /** Payload of the last basic.publish: a client that publishes to the same place sends the same bytes. */
  #publishBytes: Buffer = Buffer.alloc(0);
  #publish: PublishMethod | undefined;

  /**
   * Reads a method's fields. A broken table gives `undefined`: RabbitMQ falls over it without a word, and so the
   * connection is cut.
   *
   * @throws {AmqpError} 501 when it cannot be read otherwise
   * @throws {MalformedTextError} for text that is no UTF-8, but in basic.publish, where RabbitMQ does not look
   */
  read(id: number, bytes: Buffer, start: number, end: number): MethodArguments | undefined {
    try {
      return decodeMethod(id, bytes, start, end, id !== BASIC_PUBLISH);
    } catch (error) {
      if (error instanceof MalformedMethodError) {
        throw connectionError(501, `cannot decode ${octets(bytes, start, end)}`);
      }
      if (!(error instanceof MalformedTableError)) throw error;
      return undefined;
    }
  }

  /** {@link read} for basic.publish. */
  readPublish(bytes: Buffer, start: number, end: number): PublishMethod | undefined {
    if (this.#publish !== undefined && sameBytes(this.#publishBytes, bytes, start, end)) return this.#publish;
    const method = this.read(BASIC_PUBLISH, bytes, start, end);
    if (method === undefined) return undefined;
    this.#publishBytes = Buffer.from(bytes.subarray(start, end));
    this.#publish = {
      exchange: method.text('exchange'),
      routingKey: method.text('routingKey'),
      mandatory: method.flag('mandatory'),
      immediate: method.flag('immediate'),
    };
    return this.#publish;
  }
}

function sameBytes(expected: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const length = end - start;
  if (expected.length !== length) return false;
  for (let i = 0; i < length; i++) if (expected[i] !== bytes[start + i]) return false;
  return true;
}
