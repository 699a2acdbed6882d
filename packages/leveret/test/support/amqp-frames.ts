/**
 * Reads AMQP 0-9-1 frames off one direction of a connection, so that a test can say what was really sent.
 * @see https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf
 */

/** A method as it went over the wire; only those of interest to tests carry more than their name. */
export interface WireMethod {
  readonly name: string;
  readonly channel: number;
  readonly deliveryTag?: number;
  readonly requeue?: boolean;
  readonly multiple?: boolean;
  readonly consumerTag?: string;
}

/** What is read off one direction. */
export interface FrameEvents {
  method?(method: WireMethod): void;
  /** The properties part of a content header, as bytes: flags, then the properties. */
  header?(channel: number, properties: Buffer): void;
}

const METHOD_FRAME = 1;
const HEADER_FRAME = 2;
const FRAME_END = 0xce;
const PROTOCOL_HEADER_BYTES = 8;

const NAMES: Readonly<Record<string, string>> = {
  '10.50': 'connection.close',
  '20.10': 'channel.open',
  '20.40': 'channel.close',
  '40.10': 'exchange.declare',
  '50.10': 'queue.declare',
  '60.20': 'basic.consume',
  '60.30': 'basic.cancel',
  '60.40': 'basic.publish',
  '60.60': 'basic.deliver',
  '60.80': 'basic.ack',
  '60.90': 'basic.reject',
  '60.120': 'basic.nack',
};

export class FrameReader {
  readonly #events: FrameEvents;
  #rest: Buffer = Buffer.alloc(0);
  #headerToSkip: number;

  /** @param fromClient a client begins with a protocol header, which is no frame */
  constructor(fromClient: boolean, events: FrameEvents) {
    this.#headerToSkip = fromClient ? PROTOCOL_HEADER_BYTES : 0;
    this.#events = events;
  }

  /** Nothing is pending: what was read so far ends with a whole frame. */
  get atBoundary(): boolean {
    return this.#rest.length === 0;
  }

  push(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (this.#headerToSkip > 0) {
      if (data.length < this.#headerToSkip) {
        this.#rest = data;
        return;
      }
      data = data.subarray(this.#headerToSkip);
      this.#headerToSkip = 0;
    }
    let at = 0;
    while (data.length - at >= 8) {
      const size = data.readUInt32BE(at + 3);
      if (data.length - at < size + 8) break;
      this.#frame(data.readUInt8(at), data.readUInt16BE(at + 1), data.subarray(at + 7, at + 7 + size));
      at += size + 8;
    }
    // A copy: the rest must not keep a whole network buffer alive.
    this.#rest = at === data.length ? Buffer.alloc(0) : Buffer.from(data.subarray(at));
  }

  #frame(type: number, channel: number, payload: Buffer): void {
    if (type === METHOD_FRAME) this.#events.method?.(readMethod(channel, payload));
    // class (2), weight (2), body size (8), then the properties
    else if (type === HEADER_FRAME) this.#events.header?.(channel, payload.subarray(12));
  }
}

function readMethod(channel: number, payload: Buffer): WireMethod {
  const key = `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`;
  const name = NAMES[key] ?? key;
  switch (name) {
    case 'basic.ack':
      return { name, channel, deliveryTag: tagAt(payload, 4), multiple: (payload.readUInt8(12) & 1) === 1 };
    case 'basic.reject':
      return { name, channel, deliveryTag: tagAt(payload, 4), requeue: (payload.readUInt8(12) & 1) === 1 };
    case 'basic.nack': {
      const bits = payload.readUInt8(12);
      return {
        name,
        channel,
        deliveryTag: tagAt(payload, 4),
        multiple: (bits & 1) === 1,
        requeue: (bits & 2) === 2,
      };
    }
    case 'basic.deliver': {
      const length = payload.readUInt8(4);
      const consumerTag = payload.toString('utf8', 5, 5 + length);
      return { name, channel, consumerTag, deliveryTag: tagAt(payload, 5 + length) };
    }
    case 'basic.consume': {
      // reserved (2), queue, consumer tag
      const tagFrom = 7 + payload.readUInt8(6);
      return {
        name,
        channel,
        consumerTag: payload.toString('utf8', tagFrom + 1, tagFrom + 1 + payload.readUInt8(tagFrom)),
      };
    }
    default:
      return { name, channel };
  }
}

function tagAt(payload: Buffer, offset: number): number {
  return Number(payload.readBigUInt64BE(offset));
}

/** The message id among the properties of a content header, read past those that come before it. */
export function messageIdOf(properties: Buffer): string | undefined {
  const flags = properties.readUInt16BE(0);
  let at = 2;
  const skipShortText = (bit: number) => {
    if (flags & (1 << bit)) at += 1 + properties.readUInt8(at);
  };
  const skipBytes = (bit: number, bytes: number) => {
    if (flags & (1 << bit)) at += bytes;
  };
  skipShortText(15); // content type
  skipShortText(14); // content encoding
  if (flags & (1 << 13)) at += 4 + properties.readUInt32BE(at); // headers
  skipBytes(12, 1); // delivery mode
  skipBytes(11, 1); // priority
  skipShortText(10); // correlation id
  skipShortText(9); // reply to
  skipShortText(8); // expiration
  if ((flags & (1 << 7)) === 0) return undefined;
  return properties.toString('utf8', at + 1, at + 1 + properties.readUInt8(at));
}

/** `basic.ack` of one delivery tag, as a frame. */
export function ackFrame(channel: number, deliveryTag: bigint): Buffer {
  return frame(METHOD_FRAME, channel, Buffer.concat([words(60, 80), long(deliveryTag), Buffer.of(0)]));
}

/** A whole delivery with an empty body: `basic.deliver` and the content header. */
export function deliveryFrames(channel: number, consumerTag: string): Buffer {
  const routingKey = Buffer.of(0);
  const exchange = Buffer.of(0);
  const method = [words(60, 60), shortText(consumerTag), long(99n), Buffer.of(0), exchange, routingKey];
  const header = [words(60, 0), long(0n), words(0)];
  return Buffer.concat([
    frame(METHOD_FRAME, channel, Buffer.concat(method)),
    frame(HEADER_FRAME, channel, Buffer.concat(header)),
  ]);
}

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.of(FRAME_END)]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

function long(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

function shortText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}
