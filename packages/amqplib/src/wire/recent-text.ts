import { isUtf8 } from 'node:buffer';

const NONE = new Uint8Array(0);

/** A text that mostly is the same as the last time: then its bytes are compared, and nothing is decoded. */
export class RecentText {
  #text = '';
  #bytes = NONE;
  #length = 0;
  #isExact = true;

  /** The bytes of the text that was read last were UTF-8. */
  get isExact(): boolean {
    return this.#isExact;
  }

  read(bytes: Buffer, at: number, length: number): string {
    if (!this.#is(bytes, at, length)) this.#decode(bytes, at, length);
    return this.#text;
  }

  #is(bytes: Buffer, at: number, length: number): boolean {
    if (length !== this.#length) return false;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== this.#bytes[i]) return false;
    return true;
  }

  #decode(bytes: Buffer, at: number, length: number): void {
    this.#text = bytes.toString('utf8', at, at + length);
    this.#isExact = isExact(this.#text, bytes, at, length);
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) this.#bytes[i] = bytes[at + i] as number;
    this.#length = length;
  }
}

/** Whether a text says what its bytes do: what is not UTF-8 has been read as U+FFFD. */
export function isExact(text: string, bytes: Buffer, at: number, length: number): boolean {
  return !text.includes('\uFFFD') || isUtf8(bytes.subarray(at, at + length));
}
