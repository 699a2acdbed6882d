import { ChannelRecord } from './channel-record.js';
import { ALL_CAPABILITIES, type DecodedProperties, type MethodName, type MethodValue, WireClient } from './codec.js';
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

/** A bare AMQP client: it sends what it is told, right or wrong, answers every close, and keeps everything it sees. */
export class ConformanceClient {
  /** `dialled` until connection.open-ok came. */
  state: 'dialled' | 'open' | 'closing' | 'closed' = 'dialled';
  blocked = false;
  /** The step under way, noted with each delivery. */
  step = 0;
  readonly channels = new Map<number, ChannelRecord>();
  readonly #wire: WireClient;
  #observed: Observed[] = [];
  #hidesHandshake = false;
  #cutByUs = false;

  private constructor(wire: WireClient) {
    this.#wire = wire;
    wire.onSeen = (seen) => {
      if (seen.name === 'heartbeat') return;
      if (seen.name === 'socket closed') this.state = 'closed';
      if (seen.name !== 'socket closed' || !this.#cutByUs) this.#observe(seen);
    };
  }

  /** Connects without saying anything. */
  static async dial(port: number): Promise<ConformanceClient> {
    return new ConformanceClient(await WireClient.dial(port));
  }

  /** Connects and goes through the handshake, whose frames are not observed; what ends it is. */
  static async connect(port: number, options: LoginOptions, boundMs: number): Promise<ConformanceClient> {
    const client = await ConformanceClient.dial(port);
    client.#hidesHandshake = true;
    client.#wire.protocolHeader();
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
    return this.#wire.socket.localPort ?? 0;
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
    this.#wire.frameMax = Math.max(frameMax, 4096);
  }

  bytes(bytes: Buffer): void {
    this.#wire.bytes(bytes);
  }

  /** Sends a frame of any type. */
  frame(type: number, channel: number, payload: Buffer, end?: number): void {
    this.#wire.frame(type, channel, payload, end);
  }

  /** Sends a method, with its content if it is a publish. */
  send(
    channel: number,
    name: MethodName,
    fields: Readonly<Record<string, MethodValue>> = {},
    content?: { readonly properties: DecodedProperties; readonly body: Buffer },
  ): void {
    this.#note(channel, name, fields, content?.body);
    this.#wire.send(channel, name, fields, content);
  }

  /** Resolves with whether the broker has answered everything sent so far, on every channel, within the bound. */
  barrier(boundMs: number): Promise<boolean> {
    if (this.state === 'open' && !this.blocked) {
      for (const [number, channel] of this.channels) {
        if (channel.state !== 'open') continue;
        channel.flows.push('barrier');
        this.#wire.send(number, 'channel.flow', { active: true });
      }
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
    this.#wire.socket.destroy();
  }

  waitFor(condition: () => boolean, boundMs: number): Promise<boolean> {
    return this.#wire.waitFor(condition, boundMs);
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
        this.#wire.socket.end();
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
