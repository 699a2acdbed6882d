import { MESSAGE_PROPERTIES, type MessageHeaders, type MessageProperties, type Publication } from '@leveret/core';
import { ByteWriter } from './byte-writer.js';
import { writeEntries } from './write-table.js';

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const BASIC = 60;
const PUBLISH = 40;
const FRAME_HEAD = 7;
const FRAME_END = 0xce;
const FRAME_OVERHEAD = 8;
/** Up to here a message is copied into one piece of memory, and leaves as that. */
const ONE_PIECE_BYTES = 65_536;

/** Where frames go. */
export interface FrameTarget {
  /** Number of the channel. */
  readonly number: number;
  /** Largest frame in bytes. */
  readonly frameMax: number;
  write(frames: Buffer): boolean;
}

/** In the order of their flags, from the highest bit on. */
const IN_ORDER: readonly (keyof MessageProperties | 'headers')[] = [
  ...MESSAGE_PROPERTIES.slice(0, 2),
  'headers',
  ...MESSAGE_PROPERTIES.slice(2),
];

let spare: ByteWriter | undefined;

/**
 * Writes the frames of `basic.publish` on one channel: method, header with the properties, body. What the frame of the method
 * takes is kept for as long as messages go the same way.
 * @see https://www.rabbitmq.com/amqp-0-9-1-reference#basic.publish
 */
export class PublishEncoder {
  readonly #target: FrameTarget;
  #route: Pick<Publication, 'exchange' | 'routingKey' | 'mandatory'> | undefined;
  #method: Buffer = Buffer.alloc(0);

  constructor(target: FrameTarget) {
    this.#target = target;
  }

  /**
   * @param headers the headers of the publication, with the types of numbers said
   * @returns false when the write buffer is full
   * @throws {TypeError|RangeError} when it cannot be encoded; nothing was sent
   */
  write(publication: Publication, headers: MessageHeaders): boolean {
    // A header's getter may publish, too.
    const to = spare ?? new ByteWriter();
    spare = undefined;
    try {
      to.clear();
      this.#writeMethod(to, publication);
      writeHeader(to, publication, headers, this.#target);
      return this.#send(to, publication.body);
    } finally {
      spare = to;
    }
  }

  #writeMethod(to: ByteWriter, { exchange, routingKey, mandatory }: Publication): void {
    const before = this.#route;
    if (before?.exchange !== exchange || before.routingKey !== routingKey || before.mandatory !== mandatory) {
      this.#route = undefined;
      beginFrame(to, METHOD, this.#target.number);
      to.short(BASIC);
      to.short(PUBLISH);
      to.short(0);
      to.shortText(exchange, 'exchange');
      to.shortText(routingKey, 'routing key');
      to.octet(mandatory ? 1 : 0);
      endFrame(to, 0);
      this.#method = Buffer.allocUnsafeSlow(to.length);
      to.copyTo(this.#method);
      this.#route = { exchange, routingKey, mandatory };
    } else to.raw(this.#method);
  }

  #send(to: ByteWriter, body: Buffer): boolean {
    const { number, frameMax } = this.#target;
    const most = frameMax - FRAME_OVERHEAD;
    if (body.length <= most && body.length < ONE_PIECE_BYTES) {
      const bodyBytes = body.length === 0 ? 0 : body.length + FRAME_OVERHEAD;
      const all = Buffer.allocUnsafe(to.length + bodyBytes);
      to.copyTo(all);
      if (bodyBytes > 0) writeBody(all, to.length, number, body, 0, body.length);
      return this.#target.write(all);
    }
    const start = Buffer.allocUnsafe(to.length);
    to.copyTo(start);
    let hasRoom = this.#target.write(start);
    for (let from = 0; from < body.length; from += most) {
      const end = Math.min(from + most, body.length);
      const frame = Buffer.allocUnsafe(end - from + FRAME_OVERHEAD);
      writeBody(frame, 0, number, body, from, end);
      hasRoom = this.#target.write(frame);
    }
    return hasRoom;
  }
}

function writeHeader(to: ByteWriter, publication: Publication, headers: MessageHeaders, target: FrameTarget): void {
  const { properties, verbatim } = publication;
  const from = to.length;
  beginFrame(to, HEADER, target.number);
  to.short(BASIC);
  to.short(0);
  to.longLong(publication.body.length);
  const flagsAt = to.length;
  to.short(0);
  let flags = 0;
  for (let index = 0; index < IN_ORDER.length; index++) {
    const name = IN_ORDER[index] as (typeof IN_ORDER)[number];
    if (name === 'headers') writeHeaders(to, headers, verbatim);
    else {
      const own = verbatim?.properties[name];
      const value = properties[name];
      if (own !== undefined) {
        if (name !== 'timestamp') to.octet(own.length);
        to.raw(own);
      } else if (value === undefined || value === null) continue;
      else writeProperty(to, name, value);
    }
    flags |= 0x8000 >> index;
  }
  to.shortAt(flagsAt, flags);
  endFrame(to, from);
  const bytes = to.length - from;
  if (bytes > target.frameMax) {
    throw new RangeError(
      `The headers and properties take ${bytes} bytes, but must fit into one frame of ${target.frameMax} bytes: make them smaller, or move them into the body.`,
    );
  }
}

function writeHeaders(to: ByteWriter, headers: MessageHeaders, verbatim: Publication['verbatim']): void {
  const from = to.length;
  to.long(0);
  writeEntries(to, headers);
  if (verbatim !== undefined) for (const { entry } of verbatim.headers) to.raw(entry);
  to.longAt(from, to.length - from - 4);
}

function writeProperty(to: ByteWriter, name: keyof MessageProperties, value: string | number): void {
  if (name !== 'deliveryMode' && name !== 'priority' && name !== 'timestamp') {
    to.shortText(value, name);
    return;
  }
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw new TypeError(`Expected a number as ${name}; got ${typeof value === 'number' ? 'NaN' : typeof value}`);
  }
  if (name === 'timestamp') to.longLong(value);
  else to.octet(value);
}

function beginFrame(to: ByteWriter, type: number, channel: number): void {
  to.octet(type);
  to.short(channel);
  to.long(0);
}

function endFrame(to: ByteWriter, from: number): void {
  to.longAt(from + 3, to.length - from - FRAME_HEAD);
  to.octet(FRAME_END);
}

function writeBody(target: Buffer, at: number, channel: number, body: Buffer, from: number, end: number): void {
  target[at] = BODY;
  target.writeUInt16BE(channel, at + 1);
  target.writeUInt32BE(end - from, at + 3);
  body.copy(target, at + FRAME_HEAD, from, end);
  target[at + FRAME_HEAD + end - from] = FRAME_END;
}
