import { Broker, type BrokerVersion, VirtualClock } from '@leveret/broker';
import type { Plain } from '../wire/plain-fields.js';
import { LIMITED_USER, request, type Target } from './target.js';

const BOUND_MS = 5_000;

/** A fresh embedded broker whose clock stands still until a program waits. */
export class EmbeddedTarget implements Target, AsyncDisposable {
  readonly finishesAtOnce = true;
  readonly version: BrokerVersion;
  readonly vhost: string;
  readonly #broker: Broker;

  private constructor(broker: Broker, version: BrokerVersion, vhost: string) {
    this.#broker = broker;
    this.version = version;
    this.vhost = vhost;
  }

  static async start(version: BrokerVersion, vhost: string): Promise<EmbeddedTarget> {
    const { name, password, pattern } = LIMITED_USER;
    const permissions = { [vhost]: { configure: pattern, write: pattern, read: pattern } };
    const broker = await Broker.start({
      version,
      vhosts: [vhost],
      clock: new VirtualClock({ running: false }),
      managementPort: 0,
      users: [
        { name: 'guest', password: 'guest', tags: ['administrator'] },
        { name, password, permissions },
      ],
    });
    return new EmbeddedTarget(broker, version, vhost);
  }

  get port(): number {
    return this.#broker.port;
  }

  async pass(ms: number): Promise<void> {
    this.#broker.clock.advance(ms);
  }

  async forgets(localPort: number): Promise<void> {
    const deadline = performance.now() + BOUND_MS;
    const known = (): boolean => this.#broker.connections.some(({ name }) => name.includes(`:${localPort} -> `));
    while (known()) {
      if (performance.now() > deadline) throw new Error('the embedded broker does not notice that a client is gone');
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  http(method: string, path: string, body: Plain | undefined): Promise<string> {
    return request(this.#broker.managementUrl, method, path.replaceAll('{vhost}', this.vhost), body);
  }

  async closeConnections(reason: string): Promise<void> {
    this.#broker.faults.closeConnections(reason);
  }

  async alarm(raised: boolean): Promise<void> {
    if (raised) this.#broker.faults.block();
    else this.#broker.faults.unblock();
  }

  restart(): Promise<void> {
    return this.#broker.restart();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#broker.close();
  }
}
