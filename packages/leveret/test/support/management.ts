import { eventually } from './eventually.js';

/** A queue as the management API shows it. */
export interface ManagedQueue {
  readonly name: string;
  readonly type: string;
  readonly durable: boolean;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly policy: string | null;
  readonly effective_policy_definition: Readonly<Record<string, unknown>> | null;
}

interface ManagedConnection {
  readonly name: string;
  readonly client_properties?: { readonly connection_name?: string };
}

interface ManagedBinding {
  readonly source: string;
  readonly destination: string;
  readonly destination_type: string;
  readonly routing_key: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

interface ManagedConsumer {
  readonly consumer_tag: string;
  readonly exclusive: boolean;
  readonly prefetch_count: number;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly queue: { readonly name: string };
}

const LIMIT_MS = 20_000;

/** The management HTTP API: what the broker itself says of queues, consumers and connections. */
export class Management {
  readonly #base: string;
  readonly #authorization: string;

  constructor(url: string) {
    const { protocol, host, username, password } = new URL(url);
    this.#base = `${protocol}//${host}/api`;
    this.#authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  /** Arguments and policy of a queue. The API hears of a new queue a little later than its clients do. */
  queue(name: string): Promise<ManagedQueue> {
    return eventually(`queue ${name} in the management API`, () => this.#find<ManagedQueue>(`queues/%2F/${name}`));
  }

  /** Whether the API knows the queue: asking it does not count as using the queue. */
  async has(queue: string): Promise<boolean> {
    return (await this.#find(`queues/%2F/${queue}`)) !== undefined;
  }

  /** Waits until a policy has reached a queue. */
  queueWithPolicy(name: string, policy: string): Promise<ManagedQueue> {
    return eventually(`policy ${policy} on ${name}`, async () => {
      const queue = await this.#find<ManagedQueue>(`queues/%2F/${name}`);
      return queue?.policy === policy ? queue : undefined;
    });
  }

  async bindings(): Promise<readonly ManagedBinding[]> {
    return (await this.#find<readonly ManagedBinding[]>('bindings/%2F')) ?? [];
  }

  /** Consumers of a queue, once there are any. */
  consumers(queue: string): Promise<readonly ManagedConsumer[]> {
    return eventually(
      `consumers of ${queue} in the management API`,
      async () => {
        const all = (await this.#find<readonly ManagedConsumer[]>('consumers/%2F')) ?? [];
        const own = all.filter((consumer) => consumer.queue.name === queue);
        return own.length > 0 ? own : undefined;
      },
      LIMIT_MS,
    );
  }

  /** Closes the connections whose client-given name starts so, as an operator would. Resolves with how many there were. */
  async closeConnections(namePrefix: string, reason: string): Promise<number> {
    const named = await eventually(
      `connections named ${namePrefix} in the management API`,
      async () => {
        const all = (await this.#find<readonly ManagedConnection[]>('connections')) ?? [];
        const own = all.filter((each) => each.client_properties?.connection_name?.startsWith(namePrefix));
        return own.length > 0 ? own : undefined;
      },
      LIMIT_MS,
    );
    await Promise.all(
      named.map(({ name }) =>
        this.#request('DELETE', `connections/${encodeURIComponent(name)}`, { 'X-Reason': reason }),
      ),
    );
    return named.length;
  }

  /** What a policy sets; `undefined` when there is none of the name. */
  async policyDefinition(name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const path = `policies/%2F/${encodeURIComponent(name)}`;
    return (await this.#find<{ readonly definition: Readonly<Record<string, unknown>> }>(path))?.definition;
  }

  async deletePolicy(name: string): Promise<void> {
    await this.#request('DELETE', `policies/%2F/${encodeURIComponent(name)}`);
  }

  async #find<T>(path: string): Promise<T | undefined> {
    const response = await this.#request('GET', path);
    return response.status === 404 ? undefined : ((await response.json()) as T);
  }

  async #request(method: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const response = await fetch(`${this.#base}/${path}`, {
      method,
      headers: { ...headers, authorization: this.#authorization },
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    if (response.ok || response.status === 404) return response;
    throw new Error(`expected ${method} ${path} to be answered, received ${response.status}: ${await response.text()}`);
  }
}
