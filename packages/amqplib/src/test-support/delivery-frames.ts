import { hex } from './property-bytes.js';

/** What a broker says of a delivery. */
export interface DeliveryParts {
  readonly channel?: number;
  readonly consumerTag?: string;
  readonly deliveryTag?: number;
  readonly redelivered?: boolean;
  readonly exchange?: string;
  readonly routingKey?: string;
  /** Property flags and properties. Default: none. */
  readonly section?: Buffer;
  readonly body?: Buffer;
  /** Bytes of the body for each frame. */
  readonly perFrame?: number;
}

/** The frames of one delivery: `basic.deliver`, its content header, and its body. */
export function deliveryFrames(parts: DeliveryParts): readonly Buffer[] {
  const {
    channel = 1,
    consumerTag = 'c',
    deliveryTag = 1,
    redelivered = false,
    exchange = '',
    routingKey = '',
  } = parts;
  const { section = hex('0000'), body = Buffer.from('{}'), perFrame = 4000 } = parts;
  const method = [hex('003c003c'), short(consumerTag), long(deliveryTag), hex(redelivered ? '01' : '00')];
  const header = [hex('003c0000'), long(body.length), section];
  const frames = [frame(1, channel, ...method, short(exchange), short(routingKey)), frame(2, channel, ...header)];
  for (let at = 0; at < body.length; at += perFrame) frames.push(frame(3, channel, body.subarray(at, at + perFrame)));
  return frames;
}

export const HEARTBEAT = hex('08000000000000ce');

export function frame(type: number, channel: number, ...payload: readonly Buffer[]): Buffer {
  const all = Buffer.concat(payload);
  const head = Buffer.alloc(7);
  head.writeUInt8(type);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(all.length, 3);
  return Buffer.concat([head, all, hex('ce')]);
}

function short(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function long(value: number): Buffer {
  const to = Buffer.alloc(8);
  to.writeBigUInt64BE(BigInt(value));
  return to;
}
