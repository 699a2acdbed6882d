import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
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

interface Pair {
  readonly number: number;
  readonly client: Socket;
  readonly broker: Socket;
  readonly up: FrameReader | undefined;
}

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
  readonly port: number;
  /** Every method that clients sent through it, in order. Empty with an observer of one's own. */
  readonly sent: WireMethod[] = [];
  readonly #target: number;
  readonly #observer: ProxyObserver;
  readonly #consumers = new Map<string, ProxiedChannel>();
  /** Tags that were delivered and not settled, by connection and channel. */
  readonly #unsettled = new Map<string, Set<number>>();
  readonly #settlements: string[] = [];
  readonly #pairs = new Set<Pair>();
  #server: Server;
  #accepted = 0;
  #frozen = false;

  private constructor(server: Server, target: number, observer: ProxyObserver | undefined) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
    this.#observer = observer ?? {
      fromClient: (connection, method) => this.#record(connection, method),
      fromBroker: (connection, method) => this.#delivered(connection, method),
    };
    server.on('connection', (socket) => this.#relay(socket));
  }

  /** Starts a proxy on a free port of 127.0.0.1. */
  static async start(target: number, observer?: ProxyObserver): Promise<TcpProxy> {
    const server = createServer();
    await listen(server, 0);
    return new TcpProxy(server, target, observer);
  }

  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.port}`;
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Connections open at the moment. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Destroys every connection in both directions. New ones are welcome. */
  cut(): number {
    const count = this.#pairs.size;
    for (const { client, broker } of this.#pairs) {
      reset(client);
      reset(broker);
    }
    this.#pairs.clear();
    return count;
  }

  /** New connections are refused (nothing listens any more); those that stand go on. */
  refuse(): void {
    this.#server.close();
  }

  /** Cuts what stands and refuses what comes. */
  async down(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Listens again, on the port it had. */
  async up(): Promise<void> {
    this.#server = createServer((socket) => this.#relay(socket));
    await listen(this.#server, this.port);
  }

  /** A black hole: everything stays open, and not a byte goes through. */
  freeze(): void {
    this.#frozen = true;
    for (const pair of this.#pairs) pause(pair);
  }

  /** Ends {@link freeze}; what was held back goes through. */
  thaw(): void {
    this.#frozen = false;
    for (const { client, broker } of this.#pairs) {
      client.resume();
      broker.resume();
    }
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
    const pair = this.#pair(connection);
    await eventually('the end of a frame', () => pair.up?.atBoundary);
    pair.broker.write(ackFrame(channel, 4_000_000n));
  }

  /** Sends the client a delivery that the broker never sent. Only while nothing else is on its way. */
  deliver({ connection, channel, consumerTag }: ProxiedChannel): void {
    this.#pair(connection).client.write(deliveryFrames(channel, consumerTag));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.down();
    else this.cut();
  }

  #pair(connection: number): Pair {
    const pair = [...this.#pairs].find(({ number }) => number === connection);
    if (pair === undefined) throw new Error(`expected connection ${connection} to be open`);
    return pair;
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

  #relay(client: Socket): void {
    const number = ++this.#accepted;
    const broker = connect({ host: '127.0.0.1', port: this.#target });
    const observer = this.#observer;
    const looksUp = observer.fromClient !== undefined;
    const looksDown = observer.fromBroker !== undefined || observer.headerFromBroker !== undefined;
    const up = looksUp
      ? new FrameReader(true, { method: (method) => observer.fromClient?.(number, method) })
      : undefined;
    const down = looksDown
      ? new FrameReader(false, {
          method: (method) => observer.fromBroker?.(number, method),
          header: (channel, properties) => observer.headerFromBroker?.(number, channel, properties),
        })
      : undefined;
    const pair = { number, client, broker, up };
    this.#pairs.add(pair);
    client.setNoDelay(true);
    broker.setNoDelay(true);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      broker.destroy();
    };
    pipe(client, broker, (chunk) => up?.push(chunk));
    pipe(broker, client, (chunk) => down?.push(chunk));
    for (const socket of [client, broker]) socket.on('error', end).on('close', end);
    if (this.#frozen) pause(pair);
  }
}

function pipe(from: Socket, to: Socket, look: (chunk: Buffer) => void): void {
  from.on('data', (chunk: Buffer) => {
    look(chunk);
    if (!to.writable || to.write(chunk)) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
  from.on('end', () => to.end());
}

// A socket that is half closed cannot be reset: libuv refuses, and Node would then never close it at all.
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

function pause({ client, broker }: Pair): void {
  client.pause();
  broker.pause();
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
