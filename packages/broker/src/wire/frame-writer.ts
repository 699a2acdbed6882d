import { FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_METHOD, FRAME_OVERHEAD } from './frame-parser.js';

const SLAB_BYTES = 64 * 1024;
/** Bodies from this size on are handed to the socket as they are, not copied. */
const COPY_LIMIT_BYTES = 4 * 1024;
/** Short text is written character by character: cheaper than crossing into native code. */
const SHORT_TEXT = 32;

/** What a content carries: raw properties and body, as they came. */
export interface WireContent {
  readonly bytes: Buffer;
  readonly propertiesStart: number;
  readonly propertiesEnd: number;
  readonly bodyBytes: Buffer;
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/**
 * Gathers outgoing frames of one connection, so that a turn of the event loop costs one write to the socket. Small frames
 * are copied side by side into a slab; large bodies are passed on without copying.
 */
export class FrameWriter {
  /** The largest frame sent, overhead included. */
  frameMax: number;
  #slab = Buffer.allocUnsafeSlow(0);
  #start = 0;
  #end = 0;
  #pieces: Buffer[] = [];
  #pendingBytes = 0;

  constructor(frameMax: number) {
    this.frameMax = frameMax;
  }

  /** Bytes gathered and not taken yet. */
  get pendingBytes(): number {
    return this.#pendingBytes + this.#end - this.#start;
  }

  /** Everything gathered since the last call, in order; empty when there is nothing. */
  take(): Buffer[] {
    this.#cut();
    const pieces = this.#pieces;
    if (pieces.length > 0) this.#pieces = [];
    this.#pendingBytes = 0;
    return pieces;
  }

  raw(bytes: Buffer): void {
    const at = this.#reserve(bytes.length);
    bytes.copy(this.#slab, at);
  }

  method(channel: number, payload: Buffer): void {
    this.#frame(FRAME_METHOD, channel, payload, 0, payload.length);
  }

  heartbeat(): void {
    this.raw(HEARTBEAT);
  }

  /** basic.ack or basic.nack: written often, so without a detour through the method table. */
  settle(channel: number, methodId: 80 | 120, deliveryTag: number, multiple: boolean): void {
    const at = this.#reserve(21);
    const slab = this.#slab;
    writeHead(slab, at, FRAME_METHOD, channel, 13);
    slab[at + 7] = 0;
    slab[at + 8] = 60;
    slab[at + 9] = 0;
    slab[at + 10] = methodId;
    writeTag(slab, at + 11, deliveryTag);
    slab[at + 19] = multiple ? 1 : 0;
    slab[at + 20] = FRAME_END;
  }

  /** basic.deliver with its content. */
  deliver(
    channel: number,
    consumerTag: string,
    deliveryTag: number,
    redelivered: boolean,
    exchange: string,
    routingKey: string,
    content: WireContent,
  ): void {
    const size = 4 + 1 + consumerTag.length + 9 + 1 + exchange.length + 1 + routingKey.length;
    const at = this.#reserve(size + FRAME_OVERHEAD);
    const slab = this.#slab;
    writeHead(slab, at, FRAME_METHOD, channel, size);
    slab[at + 7] = 0;
    slab[at + 8] = 60;
    slab[at + 9] = 0;
    slab[at + 10] = 60;
    let offset = writeText(slab, at + 11, consumerTag);
    writeTag(slab, offset, deliveryTag);
    slab[offset + 8] = redelivered ? 1 : 0;
    offset = writeText(slab, offset + 9, exchange);
    offset = writeText(slab, offset, routingKey);
    slab[offset] = FRAME_END;
    this.content(channel, content);
  }

  /** Content header and body frames, the body split to fit the largest frame. */
  content(channel: number, content: WireContent): void {
    const { bytes, propertiesStart, propertiesEnd, bodyBytes, bodyStart, bodyEnd } = content;
    const bodySize = bodyEnd - bodyStart;
    const propertiesSize = propertiesEnd - propertiesStart;
    const at = this.#reserve(12 + propertiesSize + FRAME_OVERHEAD);
    const slab = this.#slab;
    writeHead(slab, at, FRAME_HEADER, channel, 12 + propertiesSize);
    slab[at + 7] = 0;
    slab[at + 8] = 60;
    slab[at + 9] = 0;
    slab[at + 10] = 0;
    writeTag(slab, at + 11, bodySize);
    copyBytes(bytes, propertiesStart, propertiesEnd, slab, at + 19);
    slab[at + 19 + propertiesSize] = FRAME_END;
    const largest = this.frameMax - FRAME_OVERHEAD;
    for (let from = bodyStart; from < bodyEnd; from += largest) {
      this.#frame(FRAME_BODY, channel, bodyBytes, from, Math.min(from + largest, bodyEnd));
    }
  }

  #frame(type: number, channel: number, bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    if (size < COPY_LIMIT_BYTES) {
      const at = this.#reserve(size + FRAME_OVERHEAD);
      writeHead(this.#slab, at, type, channel, size);
      copyBytes(bytes, start, end, this.#slab, at + 7);
      this.#slab[at + 7 + size] = FRAME_END;
      return;
    }
    const head = this.#reserve(7);
    // Not before: there may be another slab now.
    writeHead(this.#slab, head, type, channel, size);
    this.#cut();
    this.#pieces.push(bytes.subarray(start, end));
    this.#pendingBytes += size;
    const at = this.#reserve(1);
    this.#slab[at] = FRAME_END;
  }

  /** Makes room in the slab and returns where. Written parts are never written again: the socket may still hold them. */
  #reserve(length: number): number {
    if (this.#end + length > this.#slab.length) {
      this.#cut();
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, length));
      this.#start = 0;
      this.#end = 0;
    }
    const at = this.#end;
    this.#end += length;
    return at;
  }

  #cut(): void {
    if (this.#end === this.#start) return;
    this.#pieces.push(this.#slab.subarray(this.#start, this.#end));
    this.#pendingBytes += this.#end - this.#start;
    this.#start = this.#end;
  }
}

const HEARTBEAT = Buffer.from([8, 0, 0, 0, 0, 0, 0, FRAME_END]);

function writeHead(slab: Buffer, at: number, type: number, channel: number, size: number): void {
  slab[at] = type;
  slab[at + 1] = channel >>> 8;
  slab[at + 2] = channel & 0xff;
  slab[at + 3] = size >>> 24;
  slab[at + 4] = (size >>> 16) & 0xff;
  slab[at + 5] = (size >>> 8) & 0xff;
  slab[at + 6] = size & 0xff;
}

function writeTag(slab: Buffer, at: number, tag: number): void {
  const high = Math.floor(tag / 0x1_0000_0000);
  slab[at] = high >>> 24;
  slab[at + 1] = (high >>> 16) & 0xff;
  slab[at + 2] = (high >>> 8) & 0xff;
  slab[at + 3] = high & 0xff;
  slab[at + 4] = (tag >>> 24) & 0xff;
  slab[at + 5] = (tag >>> 16) & 0xff;
  slab[at + 6] = (tag >>> 8) & 0xff;
  slab[at + 7] = tag & 0xff;
}

function writeText(slab: Buffer, at: number, text: string): number {
  const length = text.length;
  slab[at] = length;
  if (length > SHORT_TEXT) {
    slab.write(text, at + 1, 'latin1');
  } else {
    for (let i = 0; i < length; i++) slab[at + 1 + i] = text.charCodeAt(i);
  }
  return at + 1 + length;
}

/** Copies bytes; few of them faster than Buffer does. */
export function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): void {
  if (end - start > SHORT_TEXT) {
    from.copy(to, at, start, end);
  } else {
    for (let i = start; i < end; i++) to[at + i - start] = from[i] as number;
  }
}
