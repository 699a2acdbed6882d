/**
 * Reads what the ledger needs off one direction of an AMQP 0-9-1 connection: deliveries and publishes with their message ids,
 * and how both were settled.
 * @see https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf
 */

/** What is read, in the order in which it passes. */
export type Seen =
  | {
      readonly kind: 'publish';
      readonly channel: number;
      readonly exchange: string;
      readonly messageId: string | undefined;
    }
  | {
      readonly kind: 'deliver';
      readonly channel: number;
      readonly tag: number;
      readonly redelivered: boolean;
      readonly messageId: string | undefined;
    }
  | { readonly kind: 'get-ok'; readonly channel: number }
  | { readonly kind: 'return'; readonly channel: number; readonly messageId: string | undefined }
  | {
      readonly kind: 'ack' | 'nack';
      readonly channel: number;
      readonly tag: number;
      readonly multiple: boolean;
      readonly requeue: boolean;
    }
  | { readonly kind: 'confirm-select' | 'channel-closed'; readonly channel: number };

const METHOD_FRAME = 1;
const HEADER_FRAME = 2;
const PROTOCOL_HEADER_BYTES = 8;

const OUTSIDE_BASIC: Readonly<Record<string, 'confirm-select' | 'channel-closed'>> = {
  '85.10': 'confirm-select',
  '20.40': 'channel-closed',
  '20.41': 'channel-closed',
};
const BASIC = 60;
const PUBLISH = 40;
const RETURN = 50;
const DELIVER = 60;
const GET_OK = 71;
const ACK = 80;
const REJECT = 90;
const NACK = 120;

export class FrameReader {
  readonly #see: (seen: Seen) => void;
  readonly #carrying = new Map<number, (messageId: string | undefined) => Seen>();
  #rest: Buffer | undefined;
  #headerToSkip: number;

  /** @param fromClient a client begins with a protocol header, which is no frame */
  constructor(fromClient: boolean, see: (seen: Seen) => void) {
    this.#headerToSkip = fromClient ? PROTOCOL_HEADER_BYTES : 0;
    this.#see = see;
  }

  push(chunk: Buffer): void {
    let data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
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
      const end = at + data.readUInt32BE(at + 3) + 8;
      if (data.length < end) break;
      const type = data.readUInt8(at);
      if (type === METHOD_FRAME) this.#method(data.readUInt16BE(at + 1), data, at + 7);
      else if (type === HEADER_FRAME) this.#header(data.readUInt16BE(at + 1), data, at + 7);
      at = end;
    }
    // A copy: the rest must not keep a whole network buffer alive.
    if (at < data.length) this.#rest = Buffer.from(data.subarray(at));
  }

  #method(channel: number, data: Buffer, at: number): void {
    const area = data.readUInt16BE(at);
    const method = data.readUInt16BE(at + 2);
    if (area !== BASIC) {
      const kind = OUTSIDE_BASIC[`${area}.${method}`];
      if (kind !== undefined) this.#see({ kind, channel });
      return;
    }
    switch (method) {
      case PUBLISH: {
        const exchange = data.toString('latin1', at + 7, at + 7 + data.readUInt8(at + 6));
        this.#carrying.set(channel, (messageId) => ({ kind: 'publish', channel, exchange, messageId }));
        return;
      }
      case DELIVER: {
        const tagAt = at + 5 + data.readUInt8(at + 4);
        const tag = Number(data.readBigUInt64BE(tagAt));
        const redelivered = data.readUInt8(tagAt + 8) === 1;
        this.#carrying.set(channel, (messageId) => ({ kind: 'deliver', channel, tag, redelivered, messageId }));
        return;
      }
      case RETURN:
        this.#carrying.set(channel, (messageId) => ({ kind: 'return', channel, messageId }));
        return;
      case GET_OK:
        this.#carrying.set(channel, () => ({ kind: 'get-ok', channel }));
        return;
      case ACK:
      case NACK:
      case REJECT: {
        const tag = Number(data.readBigUInt64BE(at + 4));
        const bits = data.readUInt8(at + 12);
        if (method === REJECT) {
          this.#see({ kind: 'nack', channel, tag, multiple: false, requeue: (bits & 1) === 1 });
          return;
        }
        const kind = method === ACK ? 'ack' : 'nack';
        this.#see({ kind, channel, tag, multiple: (bits & 1) === 1, requeue: method === NACK && (bits & 2) === 2 });
        return;
      }
      default:
    }
  }

  #header(channel: number, data: Buffer, at: number): void {
    const make = this.#carrying.get(channel);
    if (make === undefined) return;
    this.#carrying.delete(channel);
    // class (2), weight (2), body size (8), then the properties
    this.#see(make(messageIdOf(data, at + 12)));
  }
}

/** The message id among the properties of a content header, read past those that come before it. */
export function messageIdOf(data: Buffer, from: number): string | undefined {
  const flags = data.readUInt16BE(from);
  let at = from + 2;
  const skipShortText = (bit: number) => {
    if (flags & (1 << bit)) at += 1 + data.readUInt8(at);
  };
  skipShortText(15); // content type
  skipShortText(14); // content encoding
  if (flags & (1 << 13)) at += 4 + data.readUInt32BE(at); // headers
  if (flags & (1 << 12)) at += 1; // delivery mode
  if (flags & (1 << 11)) at += 1; // priority
  skipShortText(10); // correlation id
  skipShortText(9); // reply to
  skipShortText(8); // expiration
  if ((flags & (1 << 7)) === 0) return undefined;
  return data.toString('latin1', at + 1, at + 1 + data.readUInt8(at));
}
