const LENGTH = 8;
/** 0-9-1, and 0-9 as some clients write it, which RabbitMQ treats alike. */
const HEADERS: readonly Buffer[] = [
  Buffer.from('AMQP\0\0\x09\x01', 'latin1'),
  Buffer.from('AMQP\x01\x01\0\x09', 'latin1'),
];

/** Reads the eight bytes every connection begins with. */
export class ProtocolHeader {
  #bytes: Buffer = Buffer.alloc(0);

  /**
   * Takes the first bytes of a connection.
   *
   * @returns what follows the header once that is whole, `'wrong'` when this is not AMQP 0-9-1, else `undefined`
   */
  read(chunk: Buffer): Buffer | 'wrong' | undefined {
    const bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#bytes = bytes;
    if (bytes.length < LENGTH) return undefined;
    if (!HEADERS.some((header) => header.equals(bytes.subarray(0, LENGTH)))) return 'wrong';
    this.#bytes = Buffer.alloc(0);
    return bytes.subarray(LENGTH);
  }
}
