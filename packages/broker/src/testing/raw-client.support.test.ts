import { connect as connectSocket, type Socket } from 'node:net';
import { viewTable } from '../control/field-view.js';
import { fromBinaryText } from '../wire/binary-text.js';
import type { FieldTable, FieldValue } from '../wire/field-table.js';
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

/** How a raw client introduces itself. */
export interface RawClientOptions {
  readonly vhost?: string;
  readonly user?: string;
  readonly password?: string;
  readonly mechanism?: string;
  readonly response?: string;
  readonly capabilities?: readonly string[];
  readonly channelMax?: number;
  readonly frameMax?: number;
  readonly heartbeat?: number;
  /** Stops before connection.open is sent. */
  readonly stopBeforeOpen?: boolean;
}

/** One thing a client saw: a method with its content, or the end. */
export interface Seen {
  readonly channel: number;
  readonly name: MethodName | 'heartbeat' | 'socket closed' | 'protocol header';
  readonly method: MethodArguments | undefined;
  readonly properties?: DecodedProperties;
  readonly body?: Buffer;
  readonly bodyFrames?: readonly number[];
}

interface MutableSeen {
  channel: number;
  name: Seen['name'];
  method: MethodArguments | undefined;
  properties?: DecodedProperties;
  body?: Buffer;
  bodyFrames?: number[];
  bodySize?: number;
}

const BARRIER_CHANNEL = 1999;
const WAIT_MS = 5_000;
const ALL_CAPABILITIES = [
  'publisher_confirms',
  'basic.nack',
  'consumer_cancel_notify',
  'connection.blocked',
  'authentication_failure_close',
];

/** A bare AMQP client for tests: it sends what it is told, right or wrong, and keeps everything it sees. */
export class RawClient {
  /** Everything seen and not taken yet. */
  seen: Seen[] = [];
  readonly socket: Socket;
  readonly #parser: FrameParser;
  readonly #writer = new FrameWriter(131_072);
  readonly #partial = new Map<number, MutableSeen>();
  #wake: (() => void) | undefined;
  #speaksFrames = true;
  #closed = false;

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
      this.#closed = true;
      this.#see({ channel: 0, name: 'socket closed', method: undefined });
    });
  }

  /** Connects without saying anything. */
  static async open(port: number): Promise<RawClient> {
    const socket = connectSocket(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Connects and goes through the handshake. */
  static async connect(port: number, options: RawClientOptions = {}): Promise<RawClient> {
    const client = await RawClient.open(port);
    client.raw(Buffer.from('AMQP\0\0\x09\x01', 'latin1'));
    await client.next('connection.start');
    const capabilities: FieldTable = (options.capabilities ?? ALL_CAPABILITIES).map((name) => [
      name,
      { tag: 't', value: true },
    ]);
    client.send(0, 'connection.start-ok', {
      clientProperties: [['capabilities', { tag: 'F', value: capabilities }]],
      mechanism: options.mechanism ?? 'PLAIN',
      response: options.response ?? `\0${options.user ?? 'guest'}\0${options.password ?? 'guest'}`,
      locale: 'en_US',
    });
    if (options.stopBeforeOpen === true) return client;
    const tune = await client.next();
    if (tune.name !== 'connection.tune') {
      client.seen.unshift(tune);
      return client;
    }
    client.send(0, 'connection.tune-ok', {
      channelMax: options.channelMax ?? 2047,
      frameMax: options.frameMax ?? 131_072,
      heartbeat: options.heartbeat ?? 0,
    });
    client.#writer.frameMax = options.frameMax ?? 131_072;
    client.send(0, 'connection.open', { virtualHost: options.vhost ?? '/' });
    const opened = await client.next();
    if (opened.name !== 'connection.open-ok') client.seen.unshift(opened);
    return client;
  }

  /** Sends bytes as they are. */
  raw(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Sends a method. */
  send(channel: number, name: MethodName, values?: Readonly<Record<string, MethodValue>>): void {
    this.#writer.method(channel, encodeMethod(name, values));
    this.#flush();
  }

  /** Sends a frame of any type. */
  frame(type: number, channel: number, payload: Buffer, end = FRAME_END): void {
    const head = Buffer.alloc(7);
    head.writeUInt8(type, 0);
    head.writeUInt16BE(channel, 1);
    head.writeUInt32BE(payload.length, 3);
    this.raw(Buffer.concat([head, payload, Buffer.from([end])]));
  }

  /** Publishes with content. */
  publish(
    channel: number,
    exchange: string,
    routingKey: string,
    body: string | Buffer,
    properties: DecodedProperties = {},
    flags: { readonly mandatory?: boolean; readonly immediate?: boolean } = {},
  ): void {
    this.#writer.method(channel, encodeMethod('basic.publish', { exchange, routingKey, ...flags }));
    const bytes = encodeProperties(properties);
    const bodyBytes = Buffer.from(body);
    this.#writer.content(channel, {
      bytes,
      propertiesStart: 0,
      propertiesEnd: bytes.length,
      bodyBytes,
      bodyStart: 0,
      bodyEnd: bodyBytes.length,
    });
    this.#flush();
  }

  /** Sends a method and waits for the next thing seen on that channel. */
  async call(channel: number, name: MethodName, values?: Readonly<Record<string, MethodValue>>): Promise<Seen> {
    this.send(channel, name, values);
    return this.#nextOf((seen) => seen.channel === channel || seen.name === 'socket closed' || seen.channel === 0);
  }

  /** Waits for the next thing, or the next of this name. */
  next(name?: Seen['name']): Promise<Seen> {
    return this.#nextOf((seen) => name === undefined || seen.name === name);
  }

  /** Waits until the broker has answered everything sent so far, and takes all that was seen. */
  async settle(): Promise<Seen[]> {
    if (!this.#closed) {
      this.send(BARRIER_CHANNEL, 'channel.open');
      this.send(BARRIER_CHANNEL, 'channel.flow', { active: true });
      this.send(BARRIER_CHANNEL, 'channel.close');
      const last = await this.#nextOf((seen) => seen.name === 'socket closed' || isBarrier(seen));
      if (!isBarrier(last)) this.seen.push(last);
    }
    return this.take();
  }

  /** Takes all that was seen, without the barrier's own. */
  take(): Seen[] {
    const taken = this.seen.filter((seen) => seen.channel !== BARRIER_CHANNEL);
    this.seen = [];
    return taken;
  }

  /** {@link settle}, as lines of text. */
  async lines(): Promise<string[]> {
    return (await this.settle()).map(describeSeen);
  }

  /** Cuts the connection. */
  destroy(): void {
    this.socket.destroy();
  }

  async #nextOf(wanted: (seen: Seen) => boolean): Promise<Seen> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const index = this.seen.findIndex(wanted);
      if (index >= 0) return this.seen.splice(index, 1)[0] as Seen;
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`nothing came within ${WAIT_MS} ms; seen: ${this.seen.map(describeSeen)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #flush(): void {
    for (const piece of this.#writer.take()) this.socket.write(piece);
  }

  #data(chunk: Buffer): void {
    if (this.#speaksFrames && chunk.subarray(0, 4).toString('latin1') === 'AMQP') {
      this.#speaksFrames = false;
      this.#see({ channel: 0, name: 'protocol header', method: undefined, body: chunk });
      return;
    }
    this.#parser.feed(chunk);
  }

  #frame(type: number, channel: number, bytes: Buffer, start: number, end: number): void {
    if (type === FRAME_HEARTBEAT) {
      this.#see({ channel, name: 'heartbeat', method: undefined });
      return;
    }
    if (type === FRAME_METHOD) {
      const id = bytes.readInt32BE(start);
      const name = methodName(id);
      if (name === undefined) throw new Error(`the broker sent an unknown method ${id}`);
      const seen: MutableSeen = { channel, name, method: decodeMethod(id, bytes, start + 4, end) };
      if (name === 'basic.deliver' || name === 'basic.get-ok' || name === 'basic.return') {
        this.#partial.set(channel, seen);
      } else {
        this.#see(seen);
      }
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
    this.#see(seen);
  }

  #see(seen: MutableSeen): void {
    this.seen.push(seen as Seen);
    this.#wake?.();
  }
}

function isBarrier(seen: Seen): boolean {
  return seen.channel === BARRIER_CHANNEL && seen.name === 'channel.close-ok';
}

/** What was seen as one line, such as `1 channel.close 404 NOT_FOUND - no queue 'q' in vhost '/' (50,10)`. */
export function describeSeen(seen: Seen): string {
  const { channel, name, method } = seen;
  const head = `${channel} ${name}`;
  if (method === undefined) return head;
  switch (name) {
    case 'channel.close':
    case 'connection.close': {
      const where = `(${method.number('classId')},${method.number('methodId')})`;
      return `${head} ${method.number('replyCode')} ${method.text('replyText')} ${where}`;
    }
    case 'basic.deliver':
      return `${head} ${method.text('consumerTag')} #${method.number('deliveryTag')}${contentText(seen, method)}`;
    case 'basic.get-ok':
      return `${head} #${method.number('deliveryTag')}${contentText(seen, method)} left=${method.number('messageCount')}`;
    case 'basic.return':
      return `${head} ${method.number('replyCode')} ${method.text('replyText')}${contentText(seen, method)}`;
    case 'basic.ack':
    case 'basic.nack':
      return `${head} #${method.number('deliveryTag')}${method.flag('multiple') ? ' multiple' : ''}`;
    case 'queue.declare-ok': {
      const counts = `messages=${method.number('messageCount')} consumers=${method.number('consumerCount')}`;
      return `${head} ${method.text('queue')} ${counts}`;
    }
    case 'queue.delete-ok':
    case 'queue.purge-ok':
      return `${head} messages=${method.number('messageCount')}`;
    case 'basic.consume-ok':
    case 'basic.cancel-ok':
      return `${head} ${method.text('consumerTag')}`;
    case 'basic.cancel':
      return `${head} ${method.text('consumerTag')} nowait=${method.flag('nowait')}`;
    default:
      return head;
  }
}

function contentText(seen: Seen, method: MethodArguments): string {
  const redelivered = seen.name !== 'basic.return' && method.flag('redelivered') ? 'R' : '';
  const { headers, ...others } = seen.properties ?? {};
  const properties = Object.entries(others).map(([name, value]) => ` ${name}=${String(value)}`);
  const headersText = headers === undefined ? '' : ` headers=${JSON.stringify(viewTable(headers as FieldTable))}`;
  const route = ` exchange=${method.text('exchange')} key=${method.text('routingKey')}`;
  return `${redelivered}${route}${properties.join('')}${headersText} body=${fromBinaryText((seen.body ?? '').toString('latin1'))}`;
}

/** A field table from plain values: text, whole numbers, booleans, null, arrays of those, objects. */
export function table(values: Readonly<Record<string, unknown>>): FieldTable {
  return Object.entries(values).map(([key, value]) => [key, field(value)]);
}

function field(value: unknown): FieldValue {
  if (typeof value === 'string') return { tag: 'S', value };
  if (typeof value === 'boolean') return { tag: 't', value };
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return { tag: 'd', value };
    return Math.abs(value) < 2 ** 31 ? { tag: 'I', value } : { tag: 'l', value: BigInt(value) };
  }
  if (value === null || value === undefined) return { tag: 'V', value: null };
  if (Array.isArray(value)) return { tag: 'A', value: value.map(field) };
  const maybeField = value as FieldValue;
  if (typeof maybeField.tag === 'string' && 'value' in maybeField) return maybeField;
  return { tag: 'F', value: table(value as Record<string, unknown>) };
}
