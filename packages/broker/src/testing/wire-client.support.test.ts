import { connect as connectSocket, type Socket } from 'node:net';
import {
  FRAME_BODY,
  FRAME_END,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FrameParser,
} from '../wire/frame-parser.js';
import { FrameWriter } from '../wire/frame-writer.js';
import {
  decodeMethod,
  encodeMethod,
  type MethodArguments,
  type MethodName,
  type MethodValue,
  methodName,
} from '../wire/methods.js';
import { type DecodedProperties, decodeProperties, encodeProperties } from '../wire/properties.js';

/** One thing a client saw: a method with its content, the answer to a wrong protocol header, or the end of the socket. */
export interface Seen {
  readonly channel: number;
  readonly name: MethodName | 'heartbeat' | 'socket closed' | 'protocol header';
  readonly method: MethodArguments | undefined;
  properties?: DecodedProperties;
  body?: Buffer;
  bodyFrames?: number[];
  bodySize?: number;
}

/** Everything a client can say that it understands. */
export const ALL_CAPABILITIES = [
  'publisher_confirms',
  'basic.nack',
  'consumer_cancel_notify',
  'connection.blocked',
  'authentication_failure_close',
];

const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');

/**
 * The end of an AMQP connection that every test client stands on: it sends what it is told, right or wrong, puts contents
 * together and tells whatever comes.
 */
export class WireClient {
  readonly socket: Socket;
  /** Told whatever comes. */
  onSeen: (seen: Seen) => void = () => {};
  isClosed = false;
  readonly #parser: FrameParser;
  readonly #writer = new FrameWriter(131_072);
  readonly #partial = new Map<number, Seen>();
  #wake: (() => void) | undefined;
  #speaksFrames = true;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.#parser = new FrameParser(
      {
        onFrame: (type, channel, bytes, start, end) => {
          this.#frame(type, channel, bytes, start, end);
          return true;
        },
        onFrameError: (text) => {
          throw new Error(`the broker sent a bad frame: ${text}`);
        },
      },
      Number.MAX_SAFE_INTEGER,
    );
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#data(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.#tell({ channel: 0, name: 'socket closed', method: undefined });
    });
  }

  /** Connects without saying anything. */
  static async dial(port: number): Promise<WireClient> {
    const socket = connectSocket(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new WireClient(socket);
  }

  /** The largest frame it sends. */
  set frameMax(bytes: number) {
    this.#writer.frameMax = bytes;
  }

  protocolHeader(): void {
    this.bytes(PROTOCOL_HEADER);
  }

  /** Sends bytes as they are. */
  bytes(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Sends a frame of any type. */
  frame(type: number, channel: number, payload: Buffer, end = FRAME_END): void {
    const head = Buffer.alloc(7);
    head.writeUInt8(type, 0);
    head.writeUInt16BE(channel, 1);
    head.writeUInt32BE(payload.length, 3);
    this.bytes(Buffer.concat([head, payload, Buffer.from([end])]));
  }

  /** Sends a method, with its content if it has one. */
  send(
    channel: number,
    name: MethodName,
    values: Readonly<Record<string, MethodValue>> = {},
    content?: { readonly properties: DecodedProperties; readonly body: Buffer },
  ): void {
    this.#writer.method(channel, encodeMethod(name, values));
    if (content !== undefined) {
      const bytes = encodeProperties(content.properties);
      const { body } = content;
      const [propertiesStart, propertiesEnd, bodyStart, bodyEnd] = [0, bytes.length, 0, body.length];
      this.#writer.content(channel, { bytes, propertiesStart, propertiesEnd, bodyBytes: body, bodyStart, bodyEnd });
    }
    for (const piece of this.#writer.take()) this.socket.write(piece);
  }

  /** Resolves with whether the condition came true within the bound; it is looked at whenever something was seen. */
  async waitFor(condition: () => boolean, boundMs: number): Promise<boolean> {
    const deadline = performance.now() + boundMs;
    while (!condition()) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  #data(chunk: Buffer): void {
    if (this.#speaksFrames && chunk.subarray(0, 4).toString('latin1') === 'AMQP') {
      this.#speaksFrames = false;
      this.#tell({ channel: 0, name: 'protocol header', method: undefined, body: chunk });
      return;
    }
    this.#parser.feed(chunk);
  }

  #frame(type: number, channel: number, bytes: Buffer, start: number, end: number): void {
    if (type === FRAME_HEARTBEAT) {
      this.#tell({ channel, name: 'heartbeat', method: undefined });
      return;
    }
    if (type === FRAME_METHOD) {
      const id = bytes.readInt32BE(start);
      const name = methodName(id);
      if (name === undefined) throw new Error(`the broker sent an unknown method ${id}`);
      const seen: Seen = { channel, name, method: decodeMethod(id, bytes, start + 4, end) };
      const hasContent = name === 'basic.deliver' || name === 'basic.get-ok' || name === 'basic.return';
      if (hasContent) this.#partial.set(channel, seen);
      else this.#tell(seen);
      return;
    }
    const seen = this.#partial.get(channel);
    if (seen === undefined) throw new Error('the broker sent content without a method');
    if (type === FRAME_HEADER) {
      seen.bodySize = bytes.readUInt32BE(start + 8);
      seen.properties = decodeProperties(bytes, start + 12, end);
      seen.body = Buffer.alloc(0);
      seen.bodyFrames = [];
    } else if (type === FRAME_BODY) {
      seen.body = Buffer.concat([seen.body ?? Buffer.alloc(0), bytes.subarray(start, end)]);
      seen.bodyFrames?.push(end - start);
    }
    if (seen.body?.length !== seen.bodySize) return;
    this.#partial.delete(channel);
    this.#tell(seen);
  }

  #tell(seen: Seen): void {
    this.onSeen(seen);
    this.#wake?.();
  }
}
