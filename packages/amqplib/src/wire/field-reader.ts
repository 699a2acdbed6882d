import { isExact, type RecentText } from './recent-text.js';

/** Tables and arrays within each other; what is deeper is not read. Whoever walks a header recurses, and has a stack. */
export const MAX_DEPTH = 64;

/** What was read is not what the type before it announced: nothing behind it can be found either. */
export class MalformedTable extends Error {}

/**
 * Reads field values as RabbitMQ writes them, every type of its table of types. What a value here cannot say exactly
 * clears {@link exact}; what is nested too deep is left out and sets {@link tooDeep}.
 *
 * | type | read as |
 * |---|---|
 * | `b` `B` `s` `u` `I` `i` `f` `d` | number |
 * | `l` `L` | number where that is exact, else bigint |
 * | `S` | text |
 * | `x` | Buffer |
 * | `t` `V` | boolean, null |
 * | `T` `D` | `{ '!': 'timestamp', value }`, `{ '!': 'decimal', value: { places, digits } }` |
 * | `F` `A` | object, array |
 * @see https://www.rabbitmq.com/amqp-0-9-1-errata#section_3
 */
export class FieldReader {
  /** Everything read since this was set to `true` can be written again, and gives the same bytes or an equal value. */
  exact = true;
  tooDeep = false;
  offset: number;
  readonly #bytes: Buffer;
  readonly #end: number;

  /** @param end where what may be read ends */
  constructor(bytes: Buffer, offset: number, end: number) {
    this.#bytes = bytes;
    this.offset = offset;
    this.#end = end;
  }

  /** @throws {MalformedTable} when it does not end where it should */
  shortText(): string {
    return this.#text(this.octet());
  }

  /** As {@link shortText}, of a text that mostly is the same as in the message before. */
  recentText(recent: RecentText): string {
    const length = this.octet();
    const text = recent.read(this.#bytes, this.#advance(length), length);
    if (!recent.isExact) this.exact = false;
    return text;
  }

  octet(): number {
    return this.#bytes[this.#advance(1)] as number;
  }

  /** The length of what follows, which must fit. */
  length(): number {
    const length = this.#bytes.readUInt32BE(this.#advance(4));
    if (length > this.#end - this.offset) throw new MalformedTable();
    return length;
  }

  unsigned64(): number | bigint {
    const at = this.#advance(8);
    return whole64(this.#bytes.readUInt32BE(at), this.#bytes, at, false);
  }

  /** Adds the entry at the offset to `table`; answers its name. */
  entry(table: Record<string, unknown>, depth: number): string {
    const name = this.shortText();
    const value = this.#value(depth);
    if (name === '__proto__') {
      if (Object.hasOwn(table, name)) this.exact = false;
      Object.defineProperty(table, name, { value, enumerable: true, configurable: true, writable: true });
      return name;
    }
    if (table[name] !== undefined && Object.hasOwn(table, name)) this.exact = false;
    // Amqplib takes such a table for a value whose type is said.
    else if (name === '!') this.exact = false;
    if (value !== undefined) table[name] = value;
    return name;
  }

  #value(depth: number): unknown {
    const type = this.octet();
    switch (type) {
      case 0x53: // S
        return this.#text(this.length());
      case 0x49: // I
        return this.#bytes.readInt32BE(this.#advance(4));
      case 0x74: // t
        return this.octet() !== 0;
      case 0x6c: // l
        return this.#long(true);
      case 0x4c: // L
        return this.#long(false);
      case 0x46: // F
        return this.#table(this.length(), depth + 1);
      case 0x41: // A
        return this.#array(this.length(), depth + 1);
      case 0x54: // T
        return { '!': 'timestamp', value: this.#timestamp() };
      case 0x56: // V
        return null;
      case 0x64: // d
        return this.#bytes.readDoubleBE(this.#advance(8));
      case 0x66: // f
        return this.#bytes.readFloatBE(this.#advance(4));
      case 0x62: // b
        return this.#bytes.readInt8(this.#advance(1));
      case 0x42: // B
        return this.octet();
      case 0x73: // s
        return this.#bytes.readInt16BE(this.#advance(2));
      case 0x75: // u
        return this.#bytes.readUInt16BE(this.#advance(2));
      case 0x69: // i
        return this.#bytes.readUInt32BE(this.#advance(4));
      case 0x44: {
        // D
        const places = this.octet();
        return { '!': 'decimal', value: { places, digits: this.#bytes.readUInt32BE(this.#advance(4)) } };
      }
      case 0x78: {
        // x
        const length = this.length();
        const at = this.#advance(length);
        return this.#bytes.subarray(at, at + length);
      }
      default:
        throw new MalformedTable();
    }
  }

  #long(signed: boolean): number | bigint {
    const at = this.#advance(8);
    const high = signed ? this.#bytes.readInt32BE(at) : this.#bytes.readUInt32BE(at);
    const value = whole64(high, this.#bytes, at, signed);
    if (typeof value === 'bigint') this.exact = false;
    return value;
  }

  #timestamp(): number {
    const value = this.unsigned64();
    if (typeof value === 'bigint') this.exact = false;
    return Number(value);
  }

  #table(length: number, depth: number): Record<string, unknown> | undefined {
    const end = this.offset + length;
    if (depth > MAX_DEPTH) return this.#skipTo(end);
    const table: Record<string, unknown> = {};
    while (this.offset < end) this.entry(table, depth);
    this.#mustBeAt(end);
    return table;
  }

  #array(length: number, depth: number): unknown[] | undefined {
    const end = this.offset + length;
    if (depth > MAX_DEPTH) return this.#skipTo(end);
    const values: unknown[] = [];
    while (this.offset < end) values.push(this.#value(depth));
    this.#mustBeAt(end);
    return values;
  }

  #skipTo(end: number): undefined {
    this.tooDeep = true;
    this.exact = false;
    this.offset = end;
  }

  #mustBeAt(end: number): void {
    if (this.offset !== end) throw new MalformedTable();
  }

  #text(length: number): string {
    const at = this.#advance(length);
    const text = this.#bytes.toString('utf8', at, at + length);
    if (!isExact(text, this.#bytes, at, length)) this.exact = false;
    return text;
  }

  /** Answers the offset as it was. */
  #advance(length: number): number {
    const at = this.offset;
    if (length > this.#end - at) throw new MalformedTable();
    this.offset = at + length;
    return at;
  }
}

function whole64(high: number, bytes: Buffer, at: number, signed: boolean): number | bigint {
  const value = high * 2 ** 32 + bytes.readUInt32BE(at + 4);
  if (Number.isSafeInteger(value)) return value;
  return signed ? bytes.readBigInt64BE(at) : bytes.readBigUInt64BE(at);
}
