import { connect as connectSocket, type Socket } from 'node:net';
import { ChannelRecord } from './channel-record.js';
import {
  type DecodedProperties,
  decodeMethod,
  decodeProperties,
  encodeMethod,
  encodeProperties,
  FRAME_BODY,
  FRAME_END,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FrameParser,
  FrameWriter,
  type MethodName,
  type MethodValue,
  methodName,
} from './codec.js';
import { tableOf } from './plain-fields.js';
import type { Seen } from './seen.js';

/** How a client introduces itself. */
export interface LoginOptions {
  readonly vhost?: string;
  readonly user?: string;
  readonly password?: string;
  readonly mechanism?: string;
  readonly response?: string;
  readonly locale?: string;
  readonly capabilities?: readonly string[];
  readonly channelMax?: number;
  readonly frameMax?: number;
  readonly heartbeat?: number;
  /** Opens no channel of its own: what counts channels counts the program's only. */
  readonly bare?: boolean;
}

/** Something seen, with the laws of AMQP it broke. */
export interface Observed {
  readonly seen: Seen;
  readonly laws: readonly string[];
  /** The publishes a confirm settles, counted from 1. */
  readonly confirms?: readonly number[];
  /** The queue a delivery comes from. */
  readonly queue?: string;
}

/** Keeps the reader of a connection in step: a method on it is answered only after everything sent before. */
export const BARRIER_CHANNEL = 1999;
const ALL_CAPABILITIES = [
  'publisher_confirms',
  'basic.nack',
  'consumer_cancel_notify',
  'connection.blocked',
  'authentication_failure_close',
];

/** A bare AMQP client: it sends what it is told, right or wrong, answers every close, and keeps everything it sees. */
export class ConformanceClient {
  /** `dialled` until connection.open-ok came. */
  state: 'dialled' | 'open' | 'closing' | 'closed' = 'dialled';
  blocked = false;
  /** The step under way, noted with each delivery. */
  step = 0;
  readonly channels = new Map<number, ChannelRecord>();
  readonly #socket: Socket;
  readonly #writer = new FrameWriter(131_072);
  readonly #parser: FrameParser;
  readonly #partial = new Map<number, Seen>();
  #observed: Observed[] = [];
  #wake: (() => void) | undefined;
  #hidesHandshake = false;
  #cutByUs = false;
  #speaksFrames = true;

  private constructor(socket: Socket) {
    this.#socket = socket;
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
      this.state = 'closed';
      if (!this.#cutByUs) this.#observe({ channel: 0, name: 'socket closed', method: undefined });
      this.#wake?.();
    });
  }

  /** Connects without saying anything. */
  static async dial(port: number): Promise<ConformanceClient> {
    const socket = connectSocket(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new ConformanceClient(socket);
  }

  /** Connects and goes through the handshake, whose frames are not observed; what ends it is. */
  static async connect(port: number, options: LoginOptions, boundMs: number): Promise<ConformanceClient> {
    const client = await ConformanceClient.dial(port);
    client.#hidesHandshake = true;
    client.bytes(Buffer.from('AMQP\0\0\x09\x01', 'latin1'));
    client.login(options);
    client.tuneAndOpen(options);
    await client.waitFor(() => client.state !== 'dialled', boundMs);
    client.#hidesHandshake = false;
    if (client.state === 'open' && options.bare !== true) {
      client.send(BARRIER_CHANNEL, 'channel.open');
      await client.waitFor(() => client.channels.get(BARRIER_CHANNEL)?.state !== 'opening', boundMs);
    }
    return client;
  }

  /** The port on this side, by which an embedded broker names the connection. */
  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** connection.start-ok. */
  login(options: LoginOptions): void {
    const names = options.capabilities ?? ALL_CAPABILITIES;
    const capabilities = Object.fromEntries(names.map((name) => [name, true]));
    this.send(0, 'connection.start-ok', {
      clientProperties: tableOf({ capabilities }),
      mechanism: options.mechanism ?? 'PLAIN',
      response: options.response ?? `\0${options.user ?? 'guest'}\0${options.password ?? 'guest'}`,
      locale: options.locale ?? 'en_US',
    });
  }

  /** connection.tune-ok and connection.open. */
  tuneAndOpen(options: LoginOptions): void {
    const { channelMax = 2047, frameMax = 131_072, heartbeat = 0, vhost = '/' } = options;
    this.send(0, 'connection.tune-ok', { channelMax, frameMax, heartbeat });
    this.send(0, 'connection.open', { virtualHost: vhost });
    this.#writer.frameMax = Math.max(frameMax, 4096);
  }

  bytes(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Sends a frame of any type. */
  frame(type: number, channel: number, payload: Buffer, end = FRAME_END): void {
    const head = Buffer.alloc(7);
    head.writeUInt8(type, 0);
    head.writeUInt16BE(channel, 1);
    head.writeUInt32BE(payload.length, 3);
    this.bytes(Buffer.concat([head, payload, Buffer.from([end])]));
  }

  /** Sends a method, with its content if it is a publish. */
  send(
    channel: number,
    name: MethodName,
    fields: Readonly<Record<string, MethodValue>> = {},
    content?: { readonly properties: DecodedProperties; readonly body: Buffer },
  ): void {
    this.#note(channel, name, fields, content?.body);
    this.#writer.method(channel, encodeMethod(name, fields));
    if (content !== undefined) {
      const bytes = encodeProperties(content.properties);
      const { body } = content;
      const [propertiesStart, propertiesEnd, bodyStart, bodyEnd] = [0, bytes.length, 0, body.length];
      this.#writer.content(channel, { bytes, propertiesStart, propertiesEnd, bodyBytes: body, bodyStart, bodyEnd });
    }
    for (const piece of this.#writer.take()) this.#socket.write(piece);
  }

  /** Resolves with whether the broker has answered everything sent so far, on every channel, within the bound. */
  barrier(boundMs: number): Promise<boolean> {
    if (this.state === 'open' && !this.blocked) {
      for (const [number, channel] of this.channels) {
        if (channel.state !== 'open') continue;
        channel.flows.push('barrier');
        this.#writer.method(number, encodeMethod('channel.flow', { active: true }));
      }
      for (const piece of this.#writer.take()) this.#socket.write(piece);
    }
    return this.waitFor(() => this.#isQuiet(), boundMs);
  }

  /** Everything observed since the last call. */
  take(): Observed[] {
    const taken = this.#observed;
    this.#observed = [];
    return taken;
  }

  /** Whether something of this name has come since the last {@link take}. */
  has(name: Seen['name']): boolean {
    return this.#observed.some(({ seen }) => seen.name === name);
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.#cutByUs = true;
    this.#socket.destroy();
  }

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

  #isQuiet(): boolean {
    if (this.state === 'closed' || this.state === 'dialled' || this.blocked) return true;
    if (this.state === 'closing') return false;
    for (const channel of this.channels.values()) {
      if (channel.state === 'opening' || channel.state === 'closing') return false;
      if (channel.state === 'open' && channel.flows.includes('barrier')) return false;
    }
    return true;
  }

  #note(number: number, name: MethodName, fields: Readonly<Record<string, MethodValue>>, body?: Buffer): void {
    if (name === 'connection.close' && this.state === 'open') this.state = 'closing';
    const channel = this.channels.get(number);
    if (name === 'channel.open' && number !== 0 && channel?.state !== 'open') {
      this.channels.set(number, new ChannelRecord());
    } else if (channel !== undefined) {
      if (name === 'channel.close') channel.state = 'closing';
      if (name === 'channel.flow') channel.flows.push('program');
      channel.sent(name, fields, body?.toString('latin1'));
    }
  }

  #data(chunk: Buffer): void {
    if (this.#speaksFrames && chunk.subarray(0, 4).toString('latin1') === 'AMQP') {
      this.#speaksFrames = false;
      this.#observe({ channel: 0, name: 'protocol header', method: undefined, body: chunk });
      return;
    }
    this.#parser.feed(chunk);
  }

  #frame(type: number, channel: number, bytes: Buffer, start: number, end: number): void {
    if (type === FRAME_HEARTBEAT) return;
    if (type === FRAME_METHOD) {
      const id = bytes.readInt32BE(start);
      const name = methodName(id);
      if (name === undefined) throw new Error(`the broker sent an unknown method ${id}`);
      const seen: Seen = { channel, name, method: decodeMethod(id, bytes, start + 4, end) };
      if (name === 'basic.deliver' || name === 'basic.get-ok' || name === 'basic.return')
        this.#partial.set(channel, seen);
      else this.#observe(seen);
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
    this.#observe(seen);
  }

  #observe(seen: Seen): void {
    const channel = this.channels.get(seen.channel);
    const laws = channel?.saw(seen, this.step) ?? [];
    const queue = seen.name === 'basic.deliver' ? channel?.queueOf(seen.method?.text('consumerTag') ?? '') : undefined;
    const confirms = this.#confirms(seen, channel);
    const shown = this.#follow(seen, channel);
    if (shown) {
      const extra = { ...(queue === undefined ? {} : { queue }), ...(confirms === undefined ? {} : { confirms }) };
      this.#observed.push({ seen, laws, ...extra });
    }
    this.#wake?.();
  }

  #confirms(seen: Seen, channel: ChannelRecord | undefined): number[] | undefined {
    if (seen.name !== 'basic.ack' && seen.name !== 'basic.nack') return undefined;
    return channel?.confirmed(seen.method?.number('deliveryTag') ?? 0, seen.method?.flag('multiple') ?? false);
  }

  /** Goes along with what the broker says; returns whether it is an observation and not the client's own business. */
  #follow(seen: Seen, channel: ChannelRecord | undefined): boolean {
    switch (seen.name) {
      case 'connection.start':
      case 'connection.tune':
        return !this.#hidesHandshake;
      case 'connection.open-ok':
        this.state = 'open';
        return !this.#hidesHandshake;
      case 'connection.blocked':
        this.blocked = true;
        return true;
      case 'connection.unblocked':
        this.blocked = false;
        return true;
      case 'connection.close':
        this.state = 'closing';
        this.send(0, 'connection.close-ok');
        return true;
      case 'connection.close-ok':
        this.#socket.end();
        return true;
      case 'channel.open-ok':
        if (channel !== undefined) channel.state = 'open';
        return seen.channel !== BARRIER_CHANNEL;
      case 'channel.close':
        this.channels.delete(seen.channel);
        this.send(seen.channel, 'channel.close-ok');
        return true;
      case 'channel.close-ok':
        this.channels.delete(seen.channel);
        return true;
      case 'channel.flow-ok':
        return channel?.flows.shift() !== 'barrier';
      default:
        return true;
    }
  }
}
