const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');

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
    if (bytes.length < PROTOCOL_HEADER.length) return undefined;
    if (bytes.compare(PROTOCOL_HEADER, 0, PROTOCOL_HEADER.length, 0, PROTOCOL_HEADER.length) !== 0) return 'wrong';
    this.#bytes = Buffer.alloc(0);
    return bytes.subarray(PROTOCOL_HEADER.length);
  }
}
