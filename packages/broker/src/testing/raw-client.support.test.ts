import type { Socket } from 'node:net';
import { viewTable } from '../control/field-view.js';
import { fromBinaryText } from '../wire/binary-text.js';
import type { FieldTable, FieldValue } from '../wire/field-table.js';
import type { MethodArguments, MethodName, MethodValue } from '../wire/methods.js';
import type { DecodedProperties } from '../wire/properties.js';
import { ALL_CAPABILITIES, type Seen, WireClient } from './wire-client.support.test.js';

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

const BARRIER_CHANNEL = 1999;
const WAIT_MS = 5_000;

/** A bare AMQP client for tests: it sends what it is told, right or wrong, and keeps everything it sees. */
export class RawClient {
  /** Everything seen and not taken yet. */
  seen: Seen[] = [];
  readonly #wire: WireClient;

  private constructor(wire: WireClient) {
    this.#wire = wire;
    wire.onSeen = (seen) => this.seen.push(seen);
  }

  /** Connects without saying anything. */
  static async open(port: number): Promise<RawClient> {
    return new RawClient(await WireClient.dial(port));
  }

  get socket(): Socket {
    return this.#wire.socket;
  }

  /** Connects and goes through the handshake. */
  static async connect(port: number, options: RawClientOptions = {}): Promise<RawClient> {
    const client = await RawClient.open(port);
    client.#wire.protocolHeader();
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
    client.#wire.frameMax = options.frameMax ?? 131_072;
    client.send(0, 'connection.open', { virtualHost: options.vhost ?? '/' });
    const opened = await client.next();
    if (opened.name !== 'connection.open-ok') client.seen.unshift(opened);
    return client;
  }

  /** Sends bytes as they are. */
  raw(bytes: Buffer): void {
    this.#wire.bytes(bytes);
  }

  /** Sends a method. */
  send(channel: number, name: MethodName, values?: Readonly<Record<string, MethodValue>>): void {
    this.#wire.send(channel, name, values);
  }

  /** Sends a frame of any type. */
  frame(type: number, channel: number, payload: Buffer, end?: number): void {
    this.#wire.frame(type, channel, payload, end);
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
    const content = { properties, body: Buffer.from(body) };
    this.#wire.send(channel, 'basic.publish', { exchange, routingKey, ...flags }, content);
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
    if (!this.#wire.isClosed) {
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
    const found = await this.#wire.waitFor(() => this.seen.some(wanted), WAIT_MS);
    if (!found) throw new Error(`nothing came within ${WAIT_MS} ms; seen: ${this.seen.map(describeSeen)}`);
    return this.seen.splice(this.seen.findIndex(wanted), 1)[0] as Seen;
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
