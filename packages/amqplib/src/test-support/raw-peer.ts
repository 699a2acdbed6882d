import { createServer, type Server, type Socket } from 'node:net';
import { bytes, hex } from './property-bytes.js';

const METHOD = 1;
const HEADER = 2;
const BODY = 3;

interface Consumer {
  readonly socket: Socket;
  readonly channel: number;
  readonly tag: string;
}

/** A broker as far as consumers notice, that delivers whatever it is told to. */
export class RawPeer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** By queue, the last one that asked. */
  readonly #consumers = new Map<string, Consumer>();
  /** Connections on which nothing is answered any more. */
  readonly #muted = new Set<Socket>();
  #tag = 0;
  /** Called when a consumer has its answer; for what a broker delivers at once. */
  onConsume: (queue: string) => void = () => {};
  /** Queues over which the whole connection is closed when somebody asks to consume, and with what. */
  readonly closes = new Map<string, { readonly code: number; readonly text: string }>();
  /** Connections that were opened. */
  connections = 0;
  /** Methods that came and were looked at, by class and number in hex. */
  readonly asked: string[] = [];
  /** Methods that are not answered, in the same way. */
  readonly unanswered = new Set<string>();
  /** Whether it refuses its virtual host, as one that shuts down does. */
  refusesVhost = false;
  /** Acknowledgements, rejections and nacks that came. */
  settled = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param port Default: any that is free. */
  static async start(port = 0): Promise<RawPeer> {
    const server = createServer({ noDelay: true });
    const peer = new RawPeer(server);
    server.on('connection', (socket) => peer.#serve(socket));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return peer;
  }

  get url(): string {
    return `amqp://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Connections that stand. */
  get standing(): number {
    return this.#sockets.size;
  }

  /** Delivers a message with these property flags and properties; resolves when the socket has room for more. */
  async deliver(section: Buffer, body = Buffer.from('{}'), queue = 'q'): Promise<void> {
    const { channel, tag, socket } = this.#consumer(queue);
    this.#tag++;
    const method = Buffer.concat([hex('003c003c'), short(tag), long(this.#tag), hex('00'), short(''), short(queue)]);
    const header = Buffer.concat([hex('003c0000'), long(body.length), section]);
    const bodyFrame = body.length === 0 ? [] : [frame(BODY, channel, body)];
    const frames = [frame(METHOD, channel, method), frame(HEADER, channel, header), ...bodyFrame];
    if (!socket.write(Buffer.concat(frames))) {
      await new Promise<void>((resolve) => socket.once('drain', () => resolve()));
    }
  }

  /** Sends a frame on the channel of a consumer that no client can take: a method that nobody knows. */
  sendNonsense(queue: string): void {
    const { socket, channel } = this.#consumer(queue);
    socket.write(frame(METHOD, channel, hex('003cffff')));
  }

  /** Cancels the consumer, as a broker does; can be said again. */
  cancel(queue = 'q'): void {
    const { socket, channel, tag } = this.#consumer(queue);
    send(socket, channel, '003c001e', short(tag), hex('01'));
  }

  /** Stands still on the connections that there are, and answers on new ones. */
  mute(): void {
    for (const socket of this.#sockets) this.#muted.add(socket);
  }

  /** Says that it takes no more messages on the connections that there are, as a broker does that lacks memory, or that it does again. */
  block(reason: string | undefined): void {
    for (const socket of this.#sockets) {
      if (reason === undefined) send(socket, 0, '000a003d');
      else send(socket, 0, '000a003c', short(reason));
    }
  }

  /** Ends every connection; takes new ones. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #consumer(queue: string): Consumer {
    const consumer = this.#consumers.get(queue);
    if (consumer === undefined) throw new Error(`expected a consumer of ${queue} to deliver to`);
    return consumer;
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    let read: Buffer = Buffer.alloc(0);
    let greeted = false;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      read = Buffer.concat([read, data]);
      if (!greeted && read.length >= 8) {
        greeted = true;
        read = read.subarray(8);
        send(socket, 0, '000a000a', hex('0009'), bytes(), bytes(Buffer.from('PLAIN')), bytes(Buffer.from('en_US')));
      }
      while (greeted && read.length >= 7 && read.length >= 8 + read.readUInt32BE(3)) {
        const end = 8 + read.readUInt32BE(3);
        if (read[0] === METHOD) this.#answer(socket, read.readUInt16BE(1), read.subarray(7, end - 1));
        read = read.subarray(end);
      }
    });
  }

  #answer(socket: Socket, channel: number, method: Buffer): void {
    if (this.#muted.has(socket)) return;
    const id = method.toString('hex', 0, 4);
    this.asked.push(id);
    if (this.unanswered.has(id)) return;
    if (id === CONNECTION_OPEN && this.refusesVhost) {
      closeConnection(socket, 530, "NOT_ALLOWED - vhost '/' is down", '000a0028');
      return;
    }
    if (SETTLEMENTS.includes(id)) this.settled++;
    if (id === BASIC_CONSUME) this.#consume(socket, channel, method);
    const answer = ANSWERS[id];
    if (answer !== undefined) send(socket, channel, ...answer);
  }

  #consume(socket: Socket, channel: number, method: Buffer): void {
    // Ticket, queue, tag.
    const queue = textAt(method, 6);
    const closing = this.closes.get(queue);
    if (closing !== undefined) {
      closeConnection(socket, closing.code, closing.text, BASIC_CONSUME);
      return;
    }
    const tag = textAt(method, 7 + Buffer.byteLength(queue));
    this.#consumers.set(queue, { socket, channel, tag });
    send(socket, channel, '003c0015', short(tag));
    this.onConsume(queue);
  }
}

function send(socket: Socket, channel: number, id: string, ...parts: readonly Buffer[]): void {
  socket.write(frame(METHOD, channel, Buffer.concat([hex(id), ...parts])));
}

function closeConnection(socket: Socket, replyCode: number, text: string, over: string): void {
  const code = Buffer.alloc(2);
  code.writeUInt16BE(replyCode);
  send(socket, 0, '000a0032', code, short(text), hex(over));
}

function textAt(method: Buffer, at: number): string {
  return method.toString('latin1', at + 1, at + 1 + (method[at] ?? 0));
}

const CONNECTION_OPEN = '000a0028';
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
  // exchange.declare, which only asks whether it is there; confirm.select; connection.update-secret
  '0028000a': ['0028000b'],
  '0055000a': ['0055000b'],
  '000a0046': ['000a0047'],
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
