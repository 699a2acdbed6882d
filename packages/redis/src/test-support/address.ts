import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** An address that leads to whichever server it is pointed at, as a name or a balancer does: what is connected stays. */
export class Address implements Disposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  target: number;

  private constructor(target: number) {
    this.target = target;
    this.#server = createServer((socket) => {
      const upstream = connect(this.target, '127.0.0.1');
      for (const [one, other] of [
        [socket, upstream],
        [upstream, socket],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
        one.pipe(other);
      }
    });
  }

  static async of(target: number): Promise<Address> {
    const address = new Address(target);
    address.#server.listen(0, '127.0.0.1');
    await once(address.#server, 'listening');
    return address;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
