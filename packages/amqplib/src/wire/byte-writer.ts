const FIRST_BYTES = 16_384;
/** A writer that grew beyond this for one message does not keep it. */
const MOST_KEPT_BYTES = 262_144;
/** Up to here a loop is faster than a call into the engine. */
const SHORT_TEXT = 48;

/** Writes the values of AMQP one behind the other, into memory that it uses again and again. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** Begins anew. */
  clear(): void {
    this.#at = 0;
    if (this.#bytes.length > MOST_KEPT_BYTES) this.#bytes = Buffer.allocUnsafe(FIRST_BYTES);
  }

  /** Copies what was written. */
  copyTo(target: Buffer): void {
    this.#bytes.copy(target, 0, 0, this.#at);
  }

  octet(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  short(value: number): void {
    this.#reserve(2);
    this.#at = this.#bytes.writeUInt16BE(value, this.#at);
  }

  long(value: number): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeUInt32BE(value, this.#at);
  }

  /** @throws {RangeError} below 0 */
  longLong(value: number): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeBigUInt64BE(BigInt(value), this.#at);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Takes room for bytes, to be filled by the caller. */
  room(bytes: number): { readonly bytes: Buffer; readonly at: number } {
    this.#reserve(bytes);
    const at = this.#at;
    this.#at += bytes;
    return { bytes: this.#bytes, at };
  }

  /**
   * Text with its length in one byte before it.
   * @throws {TypeError} for what is no text, or longer than 255 bytes
   */
  shortText(text: unknown, name: string): void {
    if (typeof text !== 'string') throw new TypeError(`Expected text as ${name}; got ${typeof text}`);
    // Three bytes for each unit of UTF-16, the length, and the end of a frame.
    this.#reserve(3 * text.length + 1);
    const from = this.#at + 1;
    const length = this.#text(text, from);
    if (length > 255) throw new TypeError(`Expected at most 255 bytes of text as ${name}; got ${length} bytes`);
    this.#bytes[this.#at] = length;
    this.#at = from + length;
  }

  /** Text with its length in four bytes before it. */
  longText(text: string): void {
    this.#reserve(3 * text.length + 4);
    const length = this.#text(text, this.#at + 4);
    this.#bytes.writeUInt32BE(length, this.#at);
    this.#at += 4 + length;
  }

  /** What `write` writes, with its length in four bytes before it. */
  withLength(write: () => void): void {
    this.#reserve(4);
    const from = this.#at;
    this.#at += 4;
    write();
    this.longAt(from, this.#at - from - 4);
  }

  shortAt(at: number, value: number): void {
    this.#bytes.writeUInt16BE(value, at);
  }

  longAt(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  #text(text: string, from: number): number {
    const bytes = this.#bytes;
    if (text.length > SHORT_TEXT) return bytes.write(text, from);
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) return bytes.write(text, from);
      bytes[from + index] = unit;
    }
    return text.length;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.copyTo(larger);
    this.#bytes = larger;
  }
}
