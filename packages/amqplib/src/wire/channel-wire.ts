import type { Channel } from 'amqplib';

// The parts of amqplib that its types leave out. All are read with a fallback.
interface Internals {
  readonly ch?: unknown;
  readonly connection?: Connection;
  readonly sendImmediately?: unknown;
}

interface Connection {
  readonly frameMax?: unknown;
  readonly stream?: { write(bytes: Buffer): boolean; readonly writableLength: number };
  readonly channels?: readonly ({ readonly buffer?: ChannelBuffer } | null)[];
  readonly sendMethod?: unknown;
  sentSinceLastCheck?: boolean;
}

/** The stream in which amqplib collects the frames of a channel until the socket has room for them. */
interface ChannelBuffer {
  write(bytes: Buffer): boolean;
  readonly readableLength: number;
  readonly writableLength: number;
}

/** So much may wait in the socket; what comes after it waits in its channel, so that channels take turns. */
const SOCKET_BYTES = 262_144;

const DEFAULT_FRAME_MAX = 131_072;

/**
 * Where the frames of one channel are written, past the two streams through which amqplib sends each of its frames: they
 * cost more than all else that an ack does. The order of a channel is kept: while something of it waits there, what follows
 * waits behind it.
 * @see docs/decisions/0018-frames-go-straight-to-the-socket.md
 */
export class ChannelWire {
  readonly number: number;
  readonly frameMax: number;
  readonly #channel: Internals;
  readonly #connection: Connection;
  readonly #stream: NonNullable<Connection['stream']>;
  readonly #buffer: ChannelBuffer;
  /** amqplib puts others in their place when the channel or the connection closes. */
  readonly #sendImmediately: unknown;
  readonly #sendMethod: unknown;

  private constructor(
    channel: Internals,
    number: number,
    connection: Connection,
    stream: NonNullable<Connection['stream']>,
    buffer: ChannelBuffer,
  ) {
    const { frameMax } = connection;
    this.number = number;
    this.frameMax = typeof frameMax === 'number' && frameMax > 0 ? frameMax : DEFAULT_FRAME_MAX;
    this.#channel = channel;
    this.#connection = connection;
    this.#stream = stream;
    this.#buffer = buffer;
    this.#sendImmediately = channel.sendImmediately;
    this.#sendMethod = connection.sendMethod;
  }

  /** `undefined` with an amqplib that is built differently: then it writes as it always did. */
  static of(channel: Channel): ChannelWire | undefined {
    const internals = channel as unknown as Internals;
    const { ch: number, connection, sendImmediately } = internals;
    const { stream, channels, sendMethod } = connection ?? {};
    const buffer = typeof number === 'number' ? channels?.[number]?.buffer : undefined;
    if (connection === undefined || typeof number !== 'number' || buffer === undefined) return undefined;
    if (typeof stream?.write !== 'function' || typeof stream.writableLength !== 'number') return undefined;
    if (typeof buffer.readableLength !== 'number' || typeof buffer.writableLength !== 'number') return undefined;
    if (typeof sendImmediately !== 'function' || typeof sendMethod !== 'function') return undefined;
    return new ChannelWire(internals, number, connection, stream, buffer);
  }

  /** Whether frames may be sent: neither the channel nor its connection is closing. */
  get isOpen(): boolean {
    return this.#channel.sendImmediately === this.#sendImmediately && this.#connection.sendMethod === this.#sendMethod;
  }

  /** Writes whole frames. Answers false when the channel's buffer is full: it says `drain` when there is room. */
  write(frames: Buffer): boolean {
    this.#connection.sentSinceLastCheck = true;
    const buffer = this.#buffer;
    if (this.#stream.writableLength < SOCKET_BYTES && buffer.readableLength === 0 && buffer.writableLength === 0) {
      this.#stream.write(frames);
      return true;
    }
    return buffer.write(frames);
  }
}
