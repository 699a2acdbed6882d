import { randomBytes } from 'node:crypto';
import { HarnessError } from '../errors/harness-error.js';

const LIMIT_MS = 10_000;

/** A virtual host for one test, made and removed by the management API: tests that share a broker do not meet. */
export class TestVirtualHost {
  readonly name: string;
  readonly amqpUrl: string;
  /** With the user in it. */
  readonly managementUrl: string;

  private constructor(name: string, amqpUrl: string, managementUrl: string) {
    this.name = name;
    this.amqpUrl = amqpUrl;
    this.managementUrl = managementUrl;
  }

  /** @param managementUrl without a user it takes the one of the AMQP URL */
  static async create(managementUrl: string, amqpUrl: string): Promise<TestVirtualHost> {
    const name = `leveret-test-${randomBytes(6).toString('hex')}`;
    const amqp = new URL(amqpUrl);
    amqp.pathname = `/${name}`;
    const management = new URL(managementUrl);
    if (management.username === '') {
      management.username = amqp.username || 'guest';
      management.password = amqp.password || 'guest';
    }
    const host = new TestVirtualHost(name, amqp.href, management.href.replace(/\/$/, ''));
    await host.#request('PUT', `vhosts/${name}`);
    // Whoever makes a virtual host may do everything in it, but nobody else may.
    const user = amqp.username || 'guest';
    if (user !== management.username) {
      const everything = { configure: '.*', write: '.*', read: '.*' };
      try {
        await host.#request('PUT', `permissions/${name}/${user}`, everything);
      } catch (error) {
        await host.remove().catch(() => {});
        throw error;
      }
    }
    return host;
  }

  async remove(): Promise<void> {
    await this.#request('DELETE', `vhosts/${this.name}`);
  }

  async #request(method: string, path: string, body?: unknown): Promise<void> {
    const url = new URL(this.managementUrl);
    const user = Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
    const address = `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, '')}/api/${path}`;
    const response = await fetch(address, {
      method,
      headers: { authorization: `Basic ${user.toString('base64')}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(LIMIT_MS),
    }).catch((cause: unknown) => {
      throw new HarnessError(`expected the management API to answer ${method} ${path}: ${String(cause)}`, { cause });
    });
    const text = await response.text();
    if (response.ok) return;
    throw new HarnessError(
      `expected the management API to take ${method} ${path}, received ${response.status}: ${text}`,
    );
  }
}
