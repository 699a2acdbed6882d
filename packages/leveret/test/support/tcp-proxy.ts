import { TcpProxy as NetworkProxy, type ProxyLook } from '../../../../tools/scripts/tcp-proxy.mjs';
import { ackFrame, deliveryFrames, FrameReader, type WireMethod } from './amqp-frames.js';
import { eventually } from './eventually.js';

/** Sees each connection that goes through a proxy. */
export interface ProxyObserver {
  /** A method that the client of connection number `connection` (from 1) sent. */
  fromClient?(connection: number, method: WireMethod): void;
  fromBroker?(connection: number, method: WireMethod): void;
  /** The properties of a message that the broker sends, right after its `basic.deliver`. */
  headerFromBroker?(connection: number, channel: number, properties: Buffer): void;
}

const SETTLEMENTS: Readonly<Record<string, string>> = {
  'basic.ack': 'ack',
  'basic.reject': 'reject',
  'basic.nack': 'nack',
};

/** A channel of one connection through a proxy. */
export interface ProxiedChannel {
  /** The consumer on it. */
  readonly consumerTag: string;
  readonly connection: number;
  readonly channel: number;
}

/**
 * A TCP proxy before a broker that can do what networks do: cut, refuse, and say nothing any more. It also writes down
 * which methods clients sent, so that a test can tell `basic.reject` from `basic.nack`.
 */
export class TcpProxy implements AsyncDisposable {
  /** Every method that clients sent through it, in order. Empty with an observer of one's own. */
  readonly sent: WireMethod[] = [];
  readonly #observer: ProxyObserver;
  readonly #consumers = new Map<string, ProxiedChannel>();
  /** Tags that were delivered and not settled, by connection and channel. */
  readonly #unsettled = new Map<string, Set<number>>();
  readonly #settlements: string[] = [];
  readonly #fromClients = new Map<number, FrameReader>();
  #network!: NetworkProxy;

  private constructor(observer: ProxyObserver | undefined) {
    this.#observer = observer ?? {
      fromClient: (connection, method) => this.#record(connection, method),
      fromBroker: (connection, method) => this.#delivered(connection, method),
    };
  }

  /** Starts a proxy on a free port of 127.0.0.1. */
  static async start(target: number, observer?: ProxyObserver): Promise<TcpProxy> {
    const proxy = new TcpProxy(observer);
    proxy.#network = await NetworkProxy.start(target, { look: (connection) => proxy.#look(connection) });
    return proxy;
  }

  get port(): number {
    return this.#network.port;
  }

  get url(): string {
    return this.#network.url;
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#network.accepted;
  }

  /** Connections open at the moment. */
  get open(): number {
    return this.#network.open;
  }

  /** Destroys every connection in both directions. New ones are welcome. */
  cut(): number {
    return this.#network.cut();
  }

  /** New connections are refused (nothing listens any more); those that stand go on. */
  refuse(): void {
    this.#network.refuse();
  }

  /** Cuts what stands and refuses what comes. */
  down(): Promise<void> {
    return this.#network.down();
  }

  /** Listens again, on the port it had. */
  up(): Promise<void> {
    return this.#network.up();
  }

  /** A black hole: everything stays open, and not a byte goes through. */
  freeze(): void {
    this.#network.freeze();
  }

  /** Ends {@link freeze}; what was held back goes through. */
  thaw(): void {
    this.#network.thaw();
  }

  /** Methods sent by clients, by their name, such as `basic.ack`. */
  count(name: string): number {
    return this.sent.filter((method) => method.name === name).length;
  }

  /**
   * How deliveries were settled, in order: `ack`, `reject`, `reject requeue`, `nack requeue`. An ack that stands for several
   * is one for each of them; anything else that does says `multiple`.
   */
  settlements(): readonly string[] {
    return this.#settlements;
  }

  /** The channel on which a consumer was last started whose tag begins so. */
  channelOf(tagPrefix: string): ProxiedChannel {
    const found = [...this.#consumers].filter(([tag]) => tag.startsWith(tagPrefix)).at(-1);
    if (found === undefined)
      throw new Error(`expected a consumer ${tagPrefix}, received ${[...this.#consumers.keys()]}`);
    return found[1];
  }

  /** Has the broker close a channel with 406: sends it an ack of a delivery that never was. */
  async ackUnknown({ connection, channel }: ProxiedChannel): Promise<void> {
    await eventually('the end of a frame', () => this.#fromClients.get(connection)?.atBoundary);
    this.#network.toBroker(connection, ackFrame(channel, 4_000_000n));
  }

  /** Sends the client a delivery that the broker never sent. Only while nothing else is on its way. */
  deliver({ connection, channel, consumerTag }: ProxiedChannel): void {
    this.#network.toClient(connection, deliveryFrames(channel, consumerTag));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network.down();
  }

  #record(connection: number, method: WireMethod): void {
    this.sent.push(method);
    this.#settled(connection, method);
    if (method.name !== 'basic.consume' || method.consumerTag === undefined) return;
    this.#consumers.set(method.consumerTag, { consumerTag: method.consumerTag, connection, channel: method.channel });
  }

  #delivered(connection: number, { name, channel, deliveryTag }: WireMethod): void {
    if (name !== 'basic.deliver' || deliveryTag === undefined) return;
    const place = `${connection}.${channel}`;
    const tags = this.#unsettled.get(place) ?? new Set();
    this.#unsettled.set(place, tags.add(deliveryTag));
  }

  #settled(connection: number, { name, channel, deliveryTag, requeue, multiple }: WireMethod): void {
    const kind = SETTLEMENTS[name];
    if (kind === undefined || deliveryTag === undefined) return;
    const tags = this.#unsettled.get(`${connection}.${channel}`) ?? new Set();
    const isAckOfMany = name === 'basic.ack' && multiple === true;
    const meant = isAckOfMany ? [...tags].filter((tag) => tag <= deliveryTag) : [deliveryTag];
    for (const tag of meant) {
      tags.delete(tag);
      this.#settlements.push(`${kind}${requeue ? ' requeue' : ''}${multiple && !isAckOfMany ? ' multiple' : ''}`);
    }
  }

  #look(connection: number): ProxyLook {
    const observer = this.#observer;
    const looksDown = observer.fromBroker !== undefined || observer.headerFromBroker !== undefined;
    const up =
      observer.fromClient && new FrameReader(true, { method: (method) => observer.fromClient?.(connection, method) });
    const down = looksDown
      ? new FrameReader(false, {
          method: (method) => observer.fromBroker?.(connection, method),
          header: (channel, properties) => observer.headerFromBroker?.(connection, channel, properties),
        })
      : undefined;
    if (up !== undefined) this.#fromClients.set(connection, up);
    return {
      up: (chunk) => up?.push(chunk),
      down: (chunk) => down?.push(chunk),
      end: () => this.#fromClients.delete(connection),
    };
  }
}
