import type { MessageProperties, Publication } from '@leveret/core';
import type { Channel, ConfirmChannel } from 'amqplib';
import { shortText, tableEntries, withLength } from './write-table.js';

// The parts of amqplib that its types leave out.
interface Internals {
  readonly ch?: unknown;
  readonly connection?: {
    readonly frameMax?: unknown;
    readonly channels?: readonly ({ readonly buffer?: { write(bytes: Buffer): boolean } } | null)[];
    sentSinceLastCheck?: boolean;
  };
  pushConfirmCallback?(confirmed: (error: unknown) => void): void;
}

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const FRAME_END = 0xce;
const FRAME_OVERHEAD = 8;
const DEFAULT_FRAME_MAX = 131_072;

/** In the order of their flags, from the highest bit on. */
const IN_ORDER: readonly (keyof MessageProperties | 'headers')[] = [
  'contentType',
  'contentEncoding',
  'headers',
  'deliveryMode',
  'priority',
  'correlationId',
  'replyTo',
  'expiration',
  'messageId',
  'timestamp',
  'type',
  'userId',
  'appId',
];

/**
 * Publishes a message whose properties are partly given as bytes, which amqplib cannot write: its frames are made here
 * and handed to the channel behind what amqplib has written before.
 * @returns false when the write buffer is full
 * @throws {TypeError|RangeError} when it cannot be encoded, or with an amqplib that is built differently; nothing was sent
 * @see docs/decisions/0006-message-properties-are-read-here.md
 */
export function publishVerbatim(
  channel: Channel | ConfirmChannel,
  publication: Publication,
  confirmed: ((error: unknown) => void) | undefined,
): boolean {
  const { ch, connection, pushConfirmCallback } = channel as unknown as Internals;
  const buffer = typeof ch === 'number' ? connection?.channels?.[ch]?.buffer : undefined;
  if (connection === undefined || buffer === undefined || typeof pushConfirmCallback !== 'function') {
    throw new TypeError(
      'Expected a channel of amqplib 2.x to write bytes to: this message has properties that only bytes hold.',
    );
  }
  const frameMax =
    typeof connection.frameMax === 'number' && connection.frameMax > 0 ? connection.frameMax : DEFAULT_FRAME_MAX;
  const header = contentHeader(publication);
  if (header.length + FRAME_OVERHEAD > frameMax) {
    throw new RangeError(
      `The headers and properties take ${header.length} bytes, but must fit into one frame of ${frameMax} bytes.`,
    );
  }
  const number = ch as number;
  const frames = [frame(METHOD, number, basicPublish(publication)), frame(HEADER, number, header)];
  const { body } = publication;
  for (let at = 0; at < body.length; at += frameMax - FRAME_OVERHEAD) {
    frames.push(frame(BODY, number, body.subarray(at, at + frameMax - FRAME_OVERHEAD)));
  }
  const hasRoom = buffer.write(Buffer.concat(frames));
  connection.sentSinceLastCheck = true;
  if (confirmed !== undefined) pushConfirmCallback.call(channel, confirmed);
  return hasRoom;
}

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([FRAME_END])]);
}

function basicPublish({ exchange, routingKey, mandatory }: Publication): Buffer {
  const start = Buffer.from([0, 60, 0, 40, 0, 0]);
  return Buffer.concat([start, shortText(exchange), shortText(routingKey), Buffer.from([mandatory ? 1 : 0])]);
}

function contentHeader(publication: Publication): Buffer {
  const start = Buffer.alloc(14);
  start.writeUInt16BE(60);
  start.writeBigUInt64BE(BigInt(publication.body.length), 4);
  const parts: Buffer[] = [start];
  let flags = 0;
  for (const [index, name] of IN_ORDER.entries()) {
    const bytes = name === 'headers' ? headerTable(publication) : property(publication, name);
    if (bytes === undefined) continue;
    flags |= 0x8000 >> index;
    parts.push(bytes);
  }
  start.writeUInt16BE(flags, 12);
  return Buffer.concat(parts);
}

function headerTable({ headers, verbatim }: Publication): Buffer {
  return withLength(Buffer.concat([tableEntries(headers), ...(verbatim?.headers ?? []).map(({ entry }) => entry)]));
}

function property({ properties, verbatim }: Publication, name: keyof MessageProperties): Buffer | undefined {
  const own = verbatim?.properties[name];
  if (own !== undefined) return name === 'timestamp' ? own : Buffer.concat([Buffer.from([own.length]), own]);
  const value = properties[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string') return shortText(value);
  if (name !== 'timestamp') return Buffer.from([value]);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
