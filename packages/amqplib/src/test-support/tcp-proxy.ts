import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy in front of a broker that can be told to misbehave. */
export class TcpProxy {
  readonly #targetHost: string;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #frozen = false;
  #hangsUp = false;
  /** TCP connections accepted so far. */
  accepted = 0;

  private constructor(targetHost: string, targetPort: number) {
    this.#targetHost = targetHost;
    this.#targetPort = targetPort;
  }

  /** Starts a proxy on a free port in front of the broker of a URL. */
  static async start(target: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(target);
    const proxy = new TcpProxy(hostname, Number(port || 5672));
    await proxy.accept();
    return proxy;
  }

  /** Sockets open now, on both sides together. */
  get open(): number {
    return this.#sockets.size;
  }

  get port(): number {
    return this.#port;
  }

  /** The URL with the proxy in place of its broker. */
  through(target: string): string {
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    return url.href;
  }

  /** Ends every connection, as a firewall or a dying peer does. New ones are still accepted. */
  cut(): void {
    for (const socket of this.#sockets) {
      // One that is half closed cannot be reset: libuv refuses, and Node would never close it, nor end the process.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  /** Cuts, and refuses new connections until {@link accept}. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    this.cut();
    await closed;
  }

  /** Accepts connections (again), on the same port. */
  accept(): Promise<void> {
    this.#hangsUp = false;
    if (this.#server !== undefined) return Promise.resolve();
    const server = createServer((socket) => this.#relay(socket));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', () => {
        this.#port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  /** Cuts, and ends new connections as soon as they are accepted, as a proxy does that finds no broker, until {@link accept}. */
  hangUp(): void {
    this.#hangsUp = true;
    this.cut();
  }

  /** A black hole: connections stay open and new ones are accepted, but nothing passes. */
  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Ends {@link freeze}: what was held back passes. */
  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Ends everything. */
  stop(): Promise<void> {
    return this.refuse();
  }

  #relay(client: Socket): void {
    this.accepted += 1;
    if (this.#hangsUp) {
      client.on('error', () => {});
      client.end();
      client.resume();
      return;
    }
    const broker = connect(this.#targetPort, this.#targetHost);
    this.#join(client, broker);
    this.#join(broker, client);
    if (this.#frozen) client.pause();
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    // Or small frames wait for each other, and the proxy is what a test measures.
    from.setNoDelay(true);
    from.on('data', (chunk) => {
      to.write(chunk);
      if (this.#frozen) from.pause();
    });
    from.on('end', () => to.end());
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
