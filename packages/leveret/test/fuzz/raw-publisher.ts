import { connect, type Socket } from 'node:net';
import { FrameReader } from '../support/amqp-frames.js';

const [METHOD, HEADER, BODY] = [1, 2, 3];
const FRAME_MAX = 131_072;

/** A message as bytes. */
export interface RawMessage {
  readonly queue: string;
  readonly properties: Buffer;
  readonly body: Buffer;
}

/** Publishes whatever bytes it is given, over a connection of its own that is made anew when the broker ends it. */
export class RawPublisher {
  readonly #url: URL;
  #socket: Socket | undefined;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** Sends one message; resolves with whether the broker took it, or ended the connection or channel over it. */
  async publish(message: RawMessage): Promise<'taken' | 'refused'> {
    const socket = this.#socket ?? (await this.#open());
    const answer = this.#answer(socket, (name) => name === 'basic.ack' || name === 'basic.nack');
    const fields = [shortText(''), shortText(message.queue), Buffer.from([0])];
    const size = Buffer.alloc(12);
    size.writeUInt32BE(message.body.length, 8);
    const header = Buffer.concat([Buffer.from([0, 60, 0, 0]), size.subarray(4), message.properties]);
    const parts = [frame(METHOD, method(60, 40, Buffer.from([0, 0]), ...fields)), frame(HEADER, header)];
    for (let at = 0; at < message.body.length; at += FRAME_MAX - 8) {
      parts.push(frame(BODY, message.body.subarray(at, at + FRAME_MAX - 8)));
    }
    socket.write(Buffer.concat(parts));
    if (await answer) return 'taken';
    this.close();
    return 'refused';
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #open(): Promise<Socket> {
    const { hostname, port, username, password, pathname } = this.#url;
    const socket = connect(Number(port || 5672), hostname);
    socket.on('error', () => {});
    const opened = this.#answer(socket, (name) => name === '85.11');
    const vhost = decodeURIComponent(pathname.slice(1)) || '/';
    const login = Buffer.from(`\0${decodeURIComponent(username)}\0${decodeURIComponent(password)}`);
    const tune = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0]);
    tune.writeUInt16BE(2047);
    tune.writeUInt32BE(FRAME_MAX, 2);
    const startOk = method(10, 11, sized(Buffer.alloc(0)), shortText('PLAIN'), sized(login), shortText('en_US'));
    socket.write(
      Buffer.concat([
        Buffer.from('AMQP\0\0\x09\x01', 'latin1'),
        frame(METHOD, startOk, 0),
        frame(METHOD, method(10, 31, tune), 0),
        frame(METHOD, method(10, 40, shortText(vhost), Buffer.from([0, 0])), 0),
        frame(METHOD, method(20, 10, Buffer.from([0]))),
        frame(METHOD, method(85, 10, Buffer.from([0]))),
      ]),
    );
    if (!(await opened)) throw new Error(`expected to be let in at ${hostname}:${port}, was not`);
    this.#socket = socket;
    return socket;
  }

  /** `true` once a method of this name comes, `false` when the channel, the connection or the socket ends. */
  #answer(socket: Socket, wanted: (name: string) => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (answer: boolean): void => {
        socket.off('data', read);
        socket.off('close', closed);
        resolve(answer);
      };
      const closed = (): void => end(false);
      const reader = new FrameReader(false, {
        method: ({ name }) => {
          if (name === 'connection.close' || name === 'channel.close') end(false);
          else if (wanted(name)) end(true);
        },
      });
      const read = (chunk: Buffer): void => reader.push(chunk);
      socket.on('data', read);
      socket.on('close', closed);
    });
  }
}

function frame(type: number, payload: Buffer, channel = 1): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

function method(classId: number, methodId: number, ...fields: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([0, classId, 0, methodId]), ...fields]);
}

function shortText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
