import { readProperties } from './read-properties.js';

// The parts of amqplib that its types leave out. All are read with a fallback.
interface Internals {
  rest?: unknown;
  prependListener?: (event: string, listener: () => void) => unknown;
  readonly maxFrameSize?: unknown;
  recvFrame?: () => unknown;
}

const FRAME_HEADER_BYTES = 7;
const FRAME_END = 0xce;
const CONTENT_HEADER = 2;
const BASIC = 60;
/** Class, weight and body size, before the property flags. */
const BEFORE_FLAGS = 12;

/**
 * Reads the properties of every message on a connection in amqplib's place: delivered, returned, or fetched. amqplib
 * throws at a type it does not know and recurses as deep as a sender nests, and either ends the connection with all its
 * consumers. With an amqplib that is built differently this does nothing, and amqplib reads as it always did.
 * @param untaken told of the channel of a frame over which the connection ends all the same
 * @see docs/decisions/0006-message-properties-are-read-here.md
 */
export function guardDecoding(connection: unknown, untaken: (channel: number) => void): void {
  const internals = connection as Internals;
  const { recvFrame } = internals;
  if (typeof recvFrame !== 'function' || !Buffer.isBuffer(internals.rest)) return;
  let channel = 0;
  // amqplib's own calls itself again when it has read more: then this one looks first.
  internals.recvFrame = () => {
    const rest = internals.rest as Buffer;
    if (rest.length >= FRAME_HEADER_BYTES) channel = rest.readUInt16BE(1);
    return takeContentHeader(internals) ?? recvFrame.call(connection);
  };
  // Before amqplib's own, which ends the connection.
  internals.prependListener?.('frameError', () => untaken(channel));
}

/** The next frame, when it is the whole header of a message, as amqplib would have decoded it; and takes it away. */
function takeContentHeader(internals: Internals): unknown {
  const rest = internals.rest as Buffer;
  if (rest.length < FRAME_HEADER_BYTES || rest[0] !== CONTENT_HEADER) return undefined;
  const size = rest.readUInt32BE(3);
  const end = FRAME_HEADER_BYTES + size;
  if (rest.length <= end || size < BEFORE_FLAGS) return undefined;
  // Faults of the frame itself are amqplib's to report.
  if (rest[end] !== FRAME_END || rest.readUInt16BE(FRAME_HEADER_BYTES) !== BASIC) return undefined;
  const { maxFrameSize } = internals;
  if (typeof maxFrameSize === 'number' && maxFrameSize > 0 && size > maxFrameSize) return undefined;
  internals.rest = rest.subarray(end + 1);
  return {
    id: BASIC,
    channel: rest.readUInt16BE(1),
    size: Number(rest.readBigUInt64BE(FRAME_HEADER_BYTES + 4)),
    fields: readProperties(rest.subarray(FRAME_HEADER_BYTES + BEFORE_FLAGS, end)),
  };
}
