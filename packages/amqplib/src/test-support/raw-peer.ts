import { createServer, type Server, type Socket } from 'node:net';
import { bytes, hex } from './property-bytes.js';

const METHOD = 1;
const HEADER = 2;
const BODY = 3;

/** A broker as far as one consumer notices, that delivers whatever it is told to. */
export class RawPeer {
  readonly #server: Server;
  #socket: Socket | undefined;
  #consumer: { readonly channel: number; readonly tag: string } | undefined;
  #tag = 0;
  /** Connections that were opened. */
  connections = 0;
  /** Acknowledgements, rejections and nacks that came. */
  settled = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<RawPeer> {
    const server = createServer({ noDelay: true });
    const peer = new RawPeer(server);
    server.on('connection', (socket) => peer.#serve(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return peer;
  }

  get url(): string {
    return `amqp://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Delivers a message with these property flags and properties; resolves when the socket has room for more. */
  async deliver(section: Buffer, body = Buffer.from('{}')): Promise<void> {
    if (this.#consumer === undefined) throw new Error('expected a consumer to deliver to');
    const { channel, tag } = this.#consumer;
    this.#tag++;
    const method = Buffer.concat([hex('003c003c'), short(tag), long(this.#tag), hex('00'), short(''), short('q')]);
    const header = Buffer.concat([hex('003c0000'), long(body.length), section]);
    const bodyFrame = body.length === 0 ? [] : [frame(BODY, channel, body)];
    const frames = [frame(METHOD, channel, method), frame(HEADER, channel, header), ...bodyFrame];
    const socket = this.#socket;
    if (socket?.write(Buffer.concat(frames)) === false) {
      await new Promise<void>((resolve) => socket.once('drain', () => resolve()));
    }
  }

  /** Cancels the consumer, as a broker does; can be said again. */
  cancel(): void {
    if (this.#consumer !== undefined)
      this.#send(this.#consumer.channel, '003c001e', short(this.#consumer.tag), hex('01'));
  }

  async stop(): Promise<void> {
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#socket = socket;
    let read: Buffer = Buffer.alloc(0);
    let greeted = false;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      read = Buffer.concat([read, data]);
      if (!greeted && read.length >= 8) {
        greeted = true;
        read = read.subarray(8);
        this.#send(0, '000a000a', hex('0009'), bytes(), bytes(Buffer.from('PLAIN')), bytes(Buffer.from('en_US')));
      }
      while (greeted && read.length >= 7 && read.length >= 8 + read.readUInt32BE(3)) {
        const end = 8 + read.readUInt32BE(3);
        if (read[0] === METHOD) this.#answer(read.readUInt16BE(1), read.subarray(7, end - 1));
        read = read.subarray(end);
      }
    });
  }

  #answer(channel: number, method: Buffer): void {
    const id = method.toString('hex', 0, 4);
    if (SETTLEMENTS.includes(id)) this.settled++;
    if (id === BASIC_CONSUME) {
      // Ticket and queue come first.
      const at = 7 + (method[6] ?? 0);
      const tag = method.toString('latin1', at + 1, at + 1 + (method[at] ?? 0));
      this.#consumer = { channel, tag };
      this.#send(channel, '003c0015', short(tag));
    }
    const answer = ANSWERS[id];
    if (answer !== undefined) this.#send(channel, ...answer);
  }

  #send(channel: number, id: string, ...parts: readonly Buffer[]): void {
    this.#socket?.write(frame(METHOD, channel, Buffer.concat([hex(id), ...parts])));
  }
}

const BASIC_CONSUME = '003c0014';
/** Ack, reject, nack. */
const SETTLEMENTS = ['003c0050', '003c005a', '003c0078'];
const ANSWERS: Readonly<Record<string, readonly [id: string, ...parts: readonly Buffer[]]>> = {
  // start-ok: tune, with 2,047 channels, frames of 128 KiB and no heartbeat
  '000a000b': ['000a001e', hex('07ff'), hex('00020000'), hex('0000')],
  // connection.open, connection.close
  '000a0028': ['000a0029', short('')],
  '000a0032': ['000a0033'],
  // channel.open, channel.close
  '0014000a': ['0014000b', bytes()],
  '00140028': ['00140029'],
  // queue.declare, which only asks whether it is there
  '0032000a': ['0032000b', short('q'), hex('0000000000000000')],
  // basic.qos
  '003c000a': ['003c000b'],
};

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, hex('ce')]);
}

function short(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
}

function long(value: number): Buffer {
  const to = Buffer.alloc(8);
  to.writeBigUInt64BE(BigInt(value));
  return to;
}
