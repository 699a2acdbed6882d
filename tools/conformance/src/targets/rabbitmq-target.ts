import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerVersion } from '@leveret/broker';
import { type BrokerNode, startNode } from '../../../scripts/brokers.mjs';
import type { Plain } from '../wire/plain-fields.js';
import { LIMITED_USER, request, type Target } from './target.js';

/** A private RabbitMQ node with a virtual host for each of several programs that run side by side. */
export class RabbitNode implements AsyncDisposable {
  readonly targets: readonly Target[];
  readonly #node: BrokerNode;

  private constructor(node: BrokerNode, targets: readonly Target[]) {
    this.#node = node;
    this.targets = targets;
  }

  static async start(version: BrokerVersion, slots: number): Promise<RabbitNode> {
    const node = await startNode({ version, plugins: ['rabbitmq_management'] });
    try {
      const { name, password, pattern } = LIMITED_USER;
      await must(node, 'PUT', `/api/users/${name}`, { password, tags: '' });
      const vhosts = Array.from({ length: slots }, (_, i) => `v${i}`);
      for (const vhost of vhosts) {
        await must(node, 'PUT', `/api/vhosts/${vhost}`, {});
        await must(node, 'PUT', `/api/permissions/${vhost}/guest`, { configure: '.*', write: '.*', read: '.*' });
        const patterns = { configure: pattern, write: pattern, read: pattern };
        await must(node, 'PUT', `/api/permissions/${vhost}/${name}`, patterns);
      }
      return new RabbitNode(
        node,
        vhosts.map((vhost) => new RabbitTarget(node, vhost)),
      );
    } catch (error) {
      await node.remove();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.remove();
  }
}

class RabbitTarget implements Target {
  readonly finishesAtOnce = false;
  readonly #node: BrokerNode;
  readonly vhost: string;

  constructor(node: BrokerNode, vhost: string) {
    this.#node = node;
    this.vhost = vhost;
  }

  get version(): BrokerVersion {
    return this.#node.version;
  }

  get port(): number {
    return this.#node.port;
  }

  async pass(_ms: number, elapsedMs: number, startedAt: number): Promise<void> {
    await delay(Math.max(0, startedAt + elapsedMs - performance.now()));
  }

  /** What is expected afterwards is waited for, so that nothing has to be asked here. */
  async forgets(): Promise<void> {}

  http(method: string, path: string, body: Plain | undefined): Promise<string> {
    return request(this.#node.managementUrl, method, path.replaceAll('{vhost}', this.vhost), body);
  }

  async closeConnections(reason: string): Promise<void> {
    await this.#node.ctl('close_all_connections', '--vhost', this.vhost, reason);
  }

  async alarm(raised: boolean): Promise<void> {
    await this.#node.ctl('set_vm_memory_high_watermark', raised ? '0.00000001' : '0.6');
  }

  async restart(): Promise<void> {
    await this.#node.stop();
    await this.#node.start();
  }
}

async function must(node: BrokerNode, method: string, path: string, body: Plain): Promise<void> {
  const answer = await request(node.managementUrl, method, path, body);
  if (!answer.startsWith('2')) throw new Error(`${method} ${path} on RabbitMQ ${node.version}: ${answer}`);
}
