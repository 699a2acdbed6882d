import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type BrokerOptions, type ResolvedBrokerOptions, resolveBrokerOptions } from './broker-options.js';
import { ReplyRegistry } from './channel/reply-registry.js';
import { startTimer, stopTimer } from './clock/timers.js';
import type { VirtualClock } from './clock/virtual-clock.js';
import type { User } from './connection/authentication.js';
import { Connection, type ConnectionRegistry } from './connection/connection.js';
import { FlushScheduler } from './connection/flush-scheduler.js';
import { Faults } from './control/faults.js';
import {
  type ConnectionView,
  type ExchangeView,
  type QueueView,
  viewConnection,
  viewExchange,
  viewQueue,
} from './control/inspection.js';
import { ManagementServer } from './management/management-server.js';
import { MemoryAlarm } from './memory-alarm.js';
import { VirtualHost } from './vhost/virtual-host.js';
import { fromBinaryText, toBinaryText } from './wire/binary-text.js';

const LOW_ON_MEMORY = 'low on memory';
const SHUTDOWN = "broker forced connection closure with reason 'shutdown'";
/** How long a client may take to read the last frames when the broker closes. */
const LAST_WORDS_MS = 500;
/** Bytes a socket may hold before its consumers wait. */
const SOCKET_BUFFER_BYTES = 1024 * 1024;

/**
 * An AMQP 0-9-1 broker inside this process, for development and tests. It listens on a TCP port and behaves as the chosen
 * RabbitMQ version; everything is kept in memory.
 *
 * ```ts
 * await using broker = await Broker.start();
 * const connection = await amqplib.connect(broker.url);
 * ```
 *
 * Never for production: nothing is written to disk, and one process is one node.
 */
export class Broker implements AsyncDisposable {
  /** Time as the queues see it: `broker.clock.advance('1h')`. */
  readonly clock: VirtualClock;
  /** Faults on order. */
  readonly faults: Faults;
  readonly #options: ResolvedBrokerOptions;
  /** A clock that was given may serve others too. */
  readonly #ownsClock: boolean;
  readonly #vhosts = new Map<string, VirtualHost>();
  readonly #users: Map<string, User>;
  readonly #connections = new Set<Connection>();
  /** Sockets before their connection is open are closed too. */
  readonly #sockets = new Map<Socket, Connection>();
  readonly #scheduler = new FlushScheduler();
  readonly #environment: ConnectionRegistry;
  /** On order; the memory's own alarm stands beside it. */
  #alarm: string | undefined;
  readonly #memory: MemoryAlarm;
  #duplicates = false;
  #server: Server | undefined;
  #management: ManagementServer | undefined;
  #port = 0;
  /** While the node is down, or on its way. */
  #down: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  private constructor(options: ResolvedBrokerOptions, ownsClock: boolean) {
    this.#options = options;
    this.#ownsClock = ownsClock;
    this.clock = options.clock;
    this.faults = new Faults({
      connections: this.#connections,
      setAlarm: (reason) => this.#setAlarm(reason),
      setDuplicates: (on) => this.#setDuplicates(on),
    });
    this.#memory = new MemoryAlarm(
      options.memoryLimitBytes,
      () => this.#weight(),
      () => this.#unblock(),
    );
    this.#users = new Map(options.users);
    for (const name of options.vhosts) this.#addVirtualHost(name);
    this.#environment = this.#makeEnvironment();
  }

  /**
   * Starts a broker; it accepts connections once the promise resolves.
   *
   * @throws {TypeError} for an option that makes no sense
   * @throws {Error} `EADDRINUSE` when the port is taken
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const broker = new Broker(resolveBrokerOptions(options), options.clock === undefined);
    await broker.#listen(broker.#options.port);
    try {
      await broker.#listenForManagement();
    } catch (error) {
      await broker.close();
      throw error;
    }
    return broker;
  }

  /** The port clients connect to. */
  get port(): number {
    return this.#port;
  }

  /** The release of RabbitMQ that it behaves as, such as `4.3.6`. */
  get release(): string {
    return this.#options.profile.release;
  }

  /** Where clients connect to, such as `amqp://guest:guest@127.0.0.1:5672`. */
  get url(): string {
    const { tls, host, users } = this.#options;
    const [user] = users.values();
    const name = encodeURIComponent(fromBinaryText(user?.name ?? 'guest'));
    const password = encodeURIComponent(fromBinaryText(user?.password ?? 'guest'));
    return `${tls === undefined ? 'amqp' : 'amqps'}://${name}:${password}@${host}:${this.#port}`;
  }

  /** Where the management HTTP API answers, such as `http://guest:guest@127.0.0.1:15672`; `undefined` without one. */
  get managementUrl(): string | undefined {
    if (this.#management === undefined) return undefined;
    const url = new URL(this.url.replace(/^amqps?/, 'http'));
    url.port = String(this.#management.port);
    return url.href.replace(/\/$/, '');
  }

  /** The connections that are open. */
  get connections(): readonly ConnectionView[] {
    return [...this.#connections].map(viewConnection);
  }

  /** A queue as it is now; `undefined` when there is none of that name. */
  queue(name: string, vhost = '/'): QueueView | undefined {
    const queue = this.#vhosts.get(toBinaryText(vhost))?.queue(toBinaryText(name));
    return queue === undefined ? undefined : viewQueue(queue);
  }

  /** All queues of a virtual host. */
  queues(vhost = '/'): readonly QueueView[] {
    return [...(this.#vhosts.get(toBinaryText(vhost))?.queues ?? [])].map(viewQueue);
  }

  /** All exchanges of a virtual host, with their bindings. */
  exchanges(vhost = '/'): readonly ExchangeView[] {
    const host = this.#vhosts.get(toBinaryText(vhost));
    return host === undefined ? [] : [...host.exchanges].map((exchange) => viewExchange(exchange, host.name));
  }

  /**
   * Stops the node, until {@link restart}: connections are closed with `320 CONNECTION_FORCED`, and nothing listens on its
   * ports any more. Durable queues keep their persistent messages; the rest is gone. A node that is down stays down.
   */
  stop(): Promise<void> {
    this.#down ??= this.#goDown(() => {
      for (const connection of [...this.#connections]) connection.close(320, SHUTDOWN);
      for (const connection of [...this.#sockets.values()]) connection.finish();
    });
    return this.#down;
  }

  /**
   * Ends the node without a word, as SIGKILL does, until {@link restart}: sockets close, and nothing listens on its ports
   * any more. It keeps what {@link stop} keeps: confirmed or not, what it has seen of persistent messages and of settlements.
   */
  kill(): Promise<void> {
    this.#down ??= this.#goDown(() => {
      for (const connection of [...this.#sockets.values()]) connection.destroy();
    });
    return this.#down;
  }

  /**
   * Starts the node again on its ports, after {@link stop} or {@link kill}; one that runs is stopped first.
   *
   * @throws {Error} `EADDRINUSE` when somebody took a port meanwhile, and after {@link close}
   */
  async restart(): Promise<void> {
    if (this.#closed !== undefined) throw new Error('expected a broker that is open; it was closed: start another');
    await this.stop();
    await this.#listen(this.#port);
    await this.#management?.listen(this.#management.port, this.#options.host);
    this.#down = undefined;
  }

  /** Closes connections and the port. Nothing keeps the process alive afterwards. Calling it again changes nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    await this.stop();
    for (const vhost of this.#vhosts.values()) vhost.end();
    this.#memory.stop();
    if (this.#ownsClock) this.clock.stop();
  }

  #listen(port: number): Promise<void> {
    const { tls, host } = this.#options;
    const accept = (socket: Socket): void => this.#accept(socket);
    const server =
      tls === undefined
        ? createServer({ highWaterMark: SOCKET_BUFFER_BYTES, noDelay: true }, accept)
        : createTlsServer({ ...tls }, accept);
    this.#server = server;
    // A client that fails during TLS is its own problem.
    server.on('tlsClientError', (error, socket) => {
      const address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
      this.#environment.refused(address, `TLS failed: ${error.message}. This port speaks TLS only: amqps://`);
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        const address = server.address();
        if (address !== null && typeof address === 'object') this.#port = address.port;
        resolve();
      });
    });
  }

  /** Ends connections and listeners, and forgets what a node forgets that starts again. */
  async #goDown(endConnections: () => void): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    endConnections();
    const impatient = startTimer(() => {
      for (const socket of this.#sockets.keys()) socket.destroy();
    }, LAST_WORDS_MS);
    const closed = new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    await Promise.all([closed, this.#management?.close()]);
    stopTimer(impatient);
    for (const vhost of this.#vhosts.values()) vhost.restart();
  }

  #accept(socket: Socket): void {
    if (this.faults.refusing || this.#server === undefined) {
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, this.#environment, this.#scheduler);
    this.#sockets.set(socket, connection);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #addVirtualHost(name: string): VirtualHost {
    const vhost = new VirtualHost(name, this.clock, this.#options.profile, (bytes) => this.#memory.added(bytes));
    vhost.queues.deliverTwice(this.#duplicates);
    this.#vhosts.set(name, vhost);
    return vhost;
  }

  async #listenForManagement(): Promise<void> {
    const { managementPort, host } = this.#options;
    if (managementPort === undefined) return;
    const broker = this;
    this.#management = new ManagementServer({
      environment: this.#environment,
      connections: this.#connections,
      get vhosts() {
        return broker.#vhosts.values();
      },
      hostNames: [host, ...this.#options.managementHosts],
      get port() {
        return broker.#port;
      },
      createVirtualHost: (name, user) => this.#createVirtualHost(name, user),
      deleteVirtualHost: (name) => this.#deleteVirtualHost(name),
    });
    await this.#management.listen(managementPort, host);
  }

  /**
   * Changes the password of a user, as `rabbitmqctl change_password`: connections that stand stay, new ones need it.
   * @throws {RangeError} when there is no such user
   */
  changePassword(username: string, password: string): void {
    const name = toBinaryText(username);
    const user = this.#users.get(name);
    if (user === undefined)
      throw new RangeError(`expected a user of this broker, received ${JSON.stringify(username)}`);
    this.#users.set(name, { ...user, password: toBinaryText(password) });
  }

  #createVirtualHost(name: string, user: User): boolean {
    if (this.#vhosts.has(name)) return false;
    this.#addVirtualHost(name);
    const everything = { configure: /^/, write: /^/, read: /^/ };
    this.#users.set(user.name, { ...user, permissions: new Map([...user.permissions, [name, everything]]) });
    return true;
  }

  #deleteVirtualHost(name: string): boolean {
    const vhost = this.#vhosts.get(name);
    if (vhost === undefined) return false;
    this.#vhosts.delete(name);
    const affected = [...this.#connections].filter((connection) => connection.vhost === vhost);
    for (const connection of affected) connection.close(320, `vhost '${name}' is deleted`);
    vhost.end();
    return true;
  }

  #setAlarm(reason: string | undefined): void {
    this.#alarm = reason;
    this.#unblock();
  }

  /** Reads on from who was blocked, once every alarm is over. */
  #unblock(): void {
    if (this.#alarm !== undefined || this.#memory.raised) return;
    for (const connection of [...this.#connections]) connection.unblock();
  }

  /** About how many bytes of memory all messages take. */
  #weight(): number {
    let weight = 0;
    for (const vhost of this.#vhosts.values()) for (const queue of vhost.queues) weight += queue.weight;
    for (const { channels } of this.#connections) for (const channel of channels.values()) weight += channel.weight;
    return weight;
  }

  #setDuplicates(on: boolean): void {
    this.#duplicates = on;
    for (const vhost of this.#vhosts.values()) vhost.queues.deliverTwice(on);
  }

  #makeEnvironment(): ConnectionRegistry {
    const options = this.#options;
    const broker = this;
    return {
      clock: this.clock,
      profile: options.profile,
      users: this.#users,
      faults: this.faults,
      replies: new ReplyRegistry(),
      consumerTimeoutMs: options.consumerTimeoutMs,
      maxMessageBytes: options.maxMessageBytes,
      channelMax: options.channelMax,
      frameMax: options.frameMax,
      heartbeatSeconds: options.heartbeatSeconds,
      clusterName: options.clusterName,
      get alarm() {
        return broker.#alarm ?? (broker.#memory.raised ? LOW_ON_MEMORY : undefined);
      },
      received: (bytes) => this.#memory.added(bytes),
      takeNack: () => this.faults.takeNack(),
      refused: (address, reason) => options.onClientRefused({ address, reason }),
      virtualHost: (name) => this.#vhosts.get(name),
      opened: (connection) => this.#connections.add(connection),
      closed: (connection) => this.#connections.delete(connection),
    };
  }
}
