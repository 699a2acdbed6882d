import { after, before } from 'mocha';
import {
  type BrokerNode,
  defaultVersion,
  type NodeOptions,
  startNode,
  whyUnavailable,
} from '../../../../scripts/brokers.mjs';
import { Management } from './management.js';
import { RawClient } from './raw-client.js';

/** A node of this process alone, with the means to look into it. */
export class PrivateBroker {
  readonly #options: NodeOptions;
  #node: BrokerNode | undefined;
  #raw: Promise<RawClient> | undefined;

  constructor(options: NodeOptions = {}) {
    this.#options = options;
  }

  get node(): BrokerNode {
    if (this.#node === undefined)
      throw new Error('expected a private broker that runs: call useBroker() in the describe');
    return this.#node;
  }

  get url(): string {
    return this.node.url;
  }

  get port(): number {
    return this.node.port;
  }

  /** `'3.10'`, `'4.0'` or `'4.3'`. */
  get version(): string {
    return this.node.version;
  }

  /** Whether its version is this one or later. */
  isAtLeast(version: '4.0' | '4.3'): boolean {
    return Number(this.version) >= Number(version) && this.version !== '3.10';
  }

  get management(): Management {
    const url = this.node.managementUrl;
    if (url === undefined) throw new Error('expected a node with the management plugin');
    return new Management(url);
  }

  /** Amqplib by hand, connected when first asked for. */
  raw(): Promise<RawClient> {
    this.#raw ??= RawClient.connect(this.url);
    return this.#raw;
  }

  async start(): Promise<void> {
    this.#node ??= await startNode(this.#options);
    await this.#node.start();
  }

  /** A clean stop; the data stays. */
  async stop(): Promise<void> {
    await this.#forgetRaw();
    await this.node.stop();
  }

  /** Before a `kill()`: has what was declared so far written to disk, or the broker may forget it with its messages. */
  async keepDeclarations(): Promise<void> {
    await this.node.keepDeclarations();
  }

  /** SIGKILL; the data stays, as far as the broker had written it. */
  async kill(): Promise<void> {
    this.#raw?.catch(() => undefined);
    this.#raw = undefined;
    await this.node.kill();
  }

  /** Kills the node and throws its data away. */
  async remove(): Promise<void> {
    await this.#forgetRaw();
    await this.#node?.remove();
    this.#node = undefined;
  }

  async #forgetRaw(): Promise<void> {
    const raw = await this.#raw?.catch(() => undefined);
    this.#raw = undefined;
    await raw?.[Symbol.asyncDispose]();
  }
}

const START_LIMIT_MS = 90_000;

// Else the management API hears of connections and consumers up to 5 s late.
const conf = 'collect_statistics_interval = 250';
const shared = new PrivateBroker({ plugins: ['rabbitmq_management'], conf });
const mortal = new PrivateBroker();

// Root hooks: they end what the first suite that asked for it began.
after('throw the private brokers away', async function () {
  this.timeout(START_LIMIT_MS);
  await Promise.all([shared.remove(), mortal.remove()]);
});

/**
 * The node that all suites of the process share, started by the first of them. Tests use queue names of their own and
 * never stop it. Where there is no RabbitMQ to start, the suite is skipped with a line that says why; with `CI=true` it
 * fails instead.
 */
export function useSharedBroker(): PrivateBroker {
  return use(shared);
}

/** A second node, for suites that stop or kill it. They leave it running, or whoever comes next starts it again. */
export function useMortalBroker(): PrivateBroker {
  return use(mortal);
}

function use(broker: PrivateBroker): PrivateBroker {
  before('start a private broker', async function () {
    const reason = process.env['LEVERET_SKIP_PRIVATE_BROKERS'] || whyUnavailable();
    if (reason !== undefined) {
      if (process.env['CI'] === 'true') throw new Error(`expected RabbitMQ ${defaultVersion()}: ${reason}`);
      sayOnce(reason);
      this.skip();
    }
    this.timeout(START_LIMIT_MS);
    await broker.start();
  });
  return broker;
}

const said = new Set<string>();

function sayOnce(reason: string): void {
  if (said.has(reason)) return;
  said.add(reason);
  console.log(`skipped for want of a private RabbitMQ: ${reason}`);
}
