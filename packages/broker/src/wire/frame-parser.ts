import { printedOctets } from './octets-text.js';

/** Frame types of AMQP 0-9-1. */
export const FRAME_METHOD = 1;
export const FRAME_HEADER = 2;
export const FRAME_BODY = 3;
export const FRAME_HEARTBEAT = 8;
export const FRAME_END = 0xce;
/** Bytes a frame has around its payload; the negotiated frame-max counts them. */
export const FRAME_OVERHEAD = 8;

/** Bytes of a content header before its properties: class, weight and body size. */
export const CONTENT_HEADER_PREFIX = 12;

/** Whether a payload of so many bytes can be a frame of this type at all. */
export function isKnownFrame(type: number, size: number): boolean {
  if (type === FRAME_METHOD) return size >= 4;
  if (type === FRAME_HEADER) return size >= CONTENT_HEADER_PREFIX;
  return type === FRAME_BODY || (type === FRAME_HEARTBEAT && size === 0);
}

/** Takes the parsed frames. A frame answered with `false` was not taken: it is handed on again after `resume`. */
export interface FrameHandler {
  /** The payload lies in `bytes` between `start` and `end`, and may be kept: the bytes are never written again. */
  onFrame(type: number, channel: number, bytes: Buffer, start: number, end: number): boolean;
  /** The input is no AMQP; `text` says why as RabbitMQ does. Nothing more is parsed. */
  onFrameError(text: string): void;
}

const EMPTY = Buffer.alloc(0);

/**
 * Cuts a byte stream into frames. Frames that lie whole within one chunk are handed on in place, without copying; only a
 * frame that is split between chunks is put together.
 */
export class FrameParser {
  /** The largest payload taken: RabbitMQ allows for the overhead on top, though it names the limit without. */
  frameMax: number;
  readonly #handler: FrameHandler;
  #partial: Buffer[] = [];
  #partialLength = 0;
  #stopped = false;
  #failed = false;

  constructor(handler: FrameHandler, frameMax: number) {
    this.#handler = handler;
    this.frameMax = frameMax;
  }

  /** Bytes waiting: a frame not complete yet, or input that arrived while stopped. */
  get pendingBytes(): number {
    return this.#partialLength;
  }

  feed(chunk: Buffer): void {
    if (this.#failed) return;
    if (this.#stopped) {
      this.#keep(chunk);
      return;
    }
    let offset = 0;
    while (this.#partialLength > 0) {
      const wanted = this.#bytesMissing();
      if (wanted > chunk.length - offset) {
        this.#keep(chunk.subarray(offset));
        return;
      }
      this.#keep(chunk.subarray(offset, offset + wanted));
      offset += wanted;
      if (this.#bytesMissing() > 0) continue;
      const frame = this.#takePartial();
      const consumed = this.#parse(frame, 0);
      if (this.#failed) return;
      if (consumed < frame.length) this.#keep(frame.subarray(consumed));
      if (this.#stopped) {
        this.#keep(chunk.subarray(offset));
        return;
      }
    }
    const consumed = this.#parse(chunk, offset);
    if (!this.#failed && consumed < chunk.length) this.#keep(chunk.subarray(consumed));
  }

  /** Goes on after a handler returned `false`. */
  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    const waiting = this.#takePartial();
    if (waiting.length > 0) this.feed(waiting);
  }

  #parse(bytes: Buffer, from: number): number {
    let offset = from;
    const length = bytes.length;
    while (length - offset >= FRAME_OVERHEAD) {
      const size = bytes.readUInt32BE(offset + 3);
      const type = bytes[offset] ?? 0;
      if (size > this.frameMax) {
        this.#fail(`type ${type}, all octets = <<>>: {frame_too_large,${size},${this.frameMax - FRAME_OVERHEAD}}`);
        return offset;
      }
      const start = offset + 7;
      const end = start + size;
      if (end >= length) return offset;
      if (bytes[end] !== FRAME_END) {
        const octets = printedOctets(bytes, start, end);
        this.#fail(`type ${type}, all octets = ${octets}: {invalid_frame_end_marker,${bytes[end]}}`);
        return offset;
      }
      const channel = ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
      const goOn = this.#handler.onFrame(type, channel, bytes, start, end);
      if (!goOn) {
        this.#stopped = true;
        return offset;
      }
      offset = end + 1;
    }
    // Too large is said as soon as the size is known: nobody waits for a frame that will be refused.
    if (length - offset >= 7 && bytes.readUInt32BE(offset + 3) > this.frameMax) {
      const size = bytes.readUInt32BE(offset + 3);
      const limit = this.frameMax - FRAME_OVERHEAD;
      this.#fail(`type ${bytes[offset] ?? 0}, all octets = <<>>: {frame_too_large,${size},${limit}}`);
    }
    return offset;
  }

  #fail(text: string): void {
    this.#failed = true;
    this.#partial = [];
    this.#partialLength = 0;
    this.#handler.onFrameError(text);
  }

  /** How many bytes the frame under construction lacks, as far as can be told. */
  #bytesMissing(): number {
    if (this.#partialLength < 7) return 7 - this.#partialLength;
    const first = this.#partial[0] ?? EMPTY;
    const head = first.length >= 7 ? first : Buffer.concat(this.#partial, this.#partialLength);
    if (head !== first) this.#partial = [head];
    const size = head.readUInt32BE(3);
    if (size > this.frameMax) return 0;
    return Math.max(0, size + FRAME_OVERHEAD - this.#partialLength);
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#partial.push(bytes);
    this.#partialLength += bytes.length;
  }

  #takePartial(): Buffer {
    const [first = EMPTY] = this.#partial;
    const bytes = this.#partial.length === 1 ? first : Buffer.concat(this.#partial, this.#partialLength);
    this.#partial = [];
    this.#partialLength = 0;
    return bytes;
  }
}
