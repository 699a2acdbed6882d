import { connectionError } from '../errors/amqp-error.js';
import { CONTENT_HEADER_PREFIX } from '../wire/frame-parser.js';

/** A content as it arrived: properties and body lie in buffers that nobody writes to any more. */
export interface Content {
  readonly bytes: Buffer;
  readonly propertiesStart: number;
  readonly propertiesEnd: number;
  readonly bodyBytes: Buffer;
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

const NO_HEADER = 'expected content header for class 60, got non content header frame instead';
const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Puts the content of one basic.publish together. A body that comes in one frame is not copied; the parts of a longer
 * one are joined once, at the end. A body above the limit is counted but not kept.
 */
export class ContentAssembly {
  /** What the channel waits for. */
  state: 'method' | 'header' | 'body' = 'method';
  /** Size of the body as announced. */
  bodySize = 0;
  readonly #keepLimit: number;
  readonly #refusesLongBodies: boolean;
  #header: Buffer = EMPTY;
  #propertiesStart = 0;
  #propertiesEnd = 0;
  #parts: Buffer[] = [];
  #remaining = 0;
  #keptBytes = 0;

  constructor(keepLimit: number, refusesLongBodies: boolean) {
    this.#keepLimit = keepLimit;
    this.#refusesLongBodies = refusesLongBodies;
  }

  /** Bytes of the body that have come and wait for the rest. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** A basic.publish was read: its header comes next. */
  begin(): void {
    this.state = 'header';
  }

  /**
   * A content header came, with all that precedes the properties.
   *
   * @returns the content when it has no body
   * @throws {AmqpError} 505 when none was expected, or none of this class or weight
   */
  header(bytes: Buffer, start: number, end: number): Content | undefined {
    if (this.state === 'method') {
      throw connectionError(505, 'expected method frame, got non method frame instead');
    }
    if (this.state === 'body') {
      throw connectionError(505, 'expected content body, got non content body frame instead');
    }
    const classId = bytes.readUInt16BE(start);
    if (bytes.readUInt16BE(start + 2) !== 0) throw connectionError(505, NO_HEADER);
    if (classId !== 60) {
      throw connectionError(505, `expected content header for class 60, got one for class ${classId} instead`);
    }
    this.bodySize = bytes.readUInt32BE(start + 4) * 0x1_0000_0000 + bytes.readUInt32BE(start + 8);
    this.#header = bytes;
    this.#propertiesStart = start + CONTENT_HEADER_PREFIX;
    this.#propertiesEnd = end;
    this.#remaining = this.bodySize;
    this.#parts = [];
    this.#keptBytes = 0;
    this.state = 'body';
    return this.bodySize === 0 ? this.#finish(EMPTY, 0, 0) : undefined;
  }

  /**
   * A body frame came.
   *
   * @returns the content once it is whole
   * @throws {AmqpError} 505 when none was expected; 501 (from 4.3 on) when it is longer than announced
   */
  body(bytes: Buffer, start: number, end: number): Content | undefined {
    if (this.state === 'method') {
      throw connectionError(505, 'expected method frame, got non method frame instead');
    }
    if (this.state === 'header') {
      throw connectionError(505, NO_HEADER);
    }
    const size = end - start;
    if (size > this.#remaining && this.#refusesLongBodies) {
      throw connectionError(501, 'content body frame exceeds remaining content size');
    }
    const whole = size === this.bodySize && this.#parts.length === 0;
    this.#remaining -= size;
    if (whole) return this.#finish(bytes, start, end);
    if (this.bodySize <= this.#keepLimit && this.#remaining >= 0) {
      this.#parts.push(bytes.subarray(start, end));
      this.#keptBytes += size;
    }
    // Older versions wait for ever for a body that has overrun: the channel is stuck.
    if (this.#remaining !== 0) return undefined;
    const joined = Buffer.concat(this.#parts);
    return this.#finish(joined, 0, joined.length);
  }

  #finish(bodyBytes: Buffer, bodyStart: number, bodyEnd: number): Content {
    const content = {
      bytes: this.#header,
      propertiesStart: this.#propertiesStart,
      propertiesEnd: this.#propertiesEnd,
      bodyBytes,
      bodyStart,
      bodyEnd,
    };
    this.state = 'method';
    this.#parts = [];
    this.#keptBytes = 0;
    this.#header = EMPTY;
    return content;
  }
}
