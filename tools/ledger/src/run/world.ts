import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { migrate, postgresDatabase } from '@leveret/sql';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import pg from 'pg';
import type { BrokerCluster, BrokerNode, BrokerVersion } from '../../../scripts/brokers.mjs';
import { startCluster, startNode } from '../../../scripts/brokers.mjs';
import { LedgerFile } from '../ledger/ledger-file.js';
import type { ProcessOptions, ProxyAction } from '../processes/ledger-process.js';
import { MEMORY, PrivatePostgres } from '../services/private-postgres.js';
import { PrivateRedis } from '../services/private-redis.js';
import { NAMES, type Row } from '../workload/row.js';
import { Child, type Exit } from './child.js';

/** What a run is made of. */
export interface WorldOptions {
  readonly row: Row;
  readonly seed: number;
  readonly version: BrokerVersion;
  /** Nodes of the broker: 1, or 3 for a cluster. */
  readonly nodes: number;
  readonly publishers: number;
  readonly consumers: number;
  readonly concurrency: number;
  readonly prefetch: number;
  /** Messages a second at most, of all publishers together. */
  readonly rate: number;
  readonly heartbeatSeconds: number;
  /** Programs to run instead of those of leveret. */
  readonly programs?: { readonly consumer?: string; readonly publisher?: string };
  /** Modules that are imported first by what is under test, which plant bugs. */
  readonly imports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const TABLES = [
  'CREATE TABLE effects (serial bigserial PRIMARY KEY, n bigint NOT NULL, key integer NOT NULL, seq integer NOT NULL, process text NOT NULL)',
  'CREATE TABLE business (n bigint PRIMARY KEY)',
];

/** Everything that runs: broker, proxy, database, store, publishers, consumers; and the conductor's own ledger. */
export class World {
  readonly ledger: LedgerFile;
  readonly folder: string;
  consumers: Child[] = [];
  publishers: Child[] = [];
  relays: Child[] = [];
  #lives = 0;
  #admin: { readonly model: ChannelModel; readonly channel: Channel } | undefined;
  readonly #done = { attempted: 0, confirmed: 0, handled: 0 };

  private constructor(
    readonly options: WorldOptions,
    folder: string,
    readonly nodes: readonly BrokerNode[],
    readonly cluster: BrokerCluster | undefined,
    readonly postgres: PrivatePostgres,
    readonly redis: PrivateRedis | undefined,
    readonly proxy: Child,
  ) {
    this.folder = folder;
    this.ledger = new LedgerFile(join(folder, 'conductor.log'));
  }

  static async start(options: WorldOptions): Promise<World> {
    const folder = mkdtempSync(join(MEMORY, 'leveret-ledger-'));
    const { version } = options;
    const clearing: (() => Promise<void>)[] = [];
    try {
      const [broker, postgres, redis] = await Promise.all([
        options.nodes > 1 ? startCluster({ version, nodes: options.nodes }) : startNode({ version, within: MEMORY }),
        PrivatePostgres.start(),
        options.row.guard === 'redis' ? PrivateRedis.start() : undefined,
      ]);
      clearing.push(
        () => broker.remove(),
        () => postgres.remove(),
        async () => redis?.remove(),
      );
      const nodes = 'nodes' in broker ? broker.nodes : [broker];
      await prepare(postgres.url);
      const proxy = new Child(
        undefined,
        {
          ...World.#processOptions(options, folder, postgres, redis),
          name: 'proxy',
          role: 'proxy',
          slot: 0,
          urls: [],
          targets: nodes.map(({ port }) => port),
        },
        [],
        () => undefined,
      );
      await proxy.ready();
      return new World(options, folder, nodes, 'nodes' in broker ? broker : undefined, postgres, redis, proxy);
    } catch (error) {
      await Promise.all(clearing.map((clear) => clear()));
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The one node, of a run without a cluster. */
  get node(): BrokerNode {
    return this.nodes[0] as BrokerNode;
  }

  /** Sums over all processes that are and were. */
  get counts(): { readonly attempted: number; readonly confirmed: number; readonly handled: number } {
    const sum = { ...this.#done };
    for (const { counts } of [...this.publishers, ...this.consumers]) {
      sum.attempted += counts.attempted;
      sum.confirmed += counts.confirmed;
      sum.handled += counts.handled;
    }
    return sum;
  }

  act(action: ProxyAction): Promise<void> {
    return this.proxy.act(action);
  }

  async spawnAll(): Promise<void> {
    const { consumers, publishers, row } = this.options;
    // One first: it declares what the others find.
    await this.spawn('consumer', 0);
    await Promise.all(Array.from({ length: consumers - 1 }, (_, index) => this.spawn('consumer', index + 1)));
    for (const node of this.nodes) await node.keepDeclarations();
    if (row.outbox) await Promise.all([this.spawn('relay', 0), this.spawn('relay', 1)]);
    await Promise.all(Array.from({ length: publishers }, (_, index) => this.spawn('publisher', index)));
  }

  /** Starts the next life of a process, and resolves when it is ready. */
  async spawn(role: 'consumer' | 'publisher' | 'relay', slot: number): Promise<Child> {
    const { options, folder, postgres, redis } = this;
    const program = role === 'relay' ? undefined : options.programs?.[role];
    const name = `${role}-${slot}.${++this.#lives}`;
    const child = new Child(
      program,
      { ...World.#processOptions(options, folder, postgres, redis), name, role, slot, urls: this.#urls(slot) },
      options.imports ?? [],
      (ended, exit) => this.#ended(ended, exit),
    );
    this.of(role)[slot] = child;
    await child.ready();
    return child;
  }

  of(role: 'consumer' | 'publisher' | 'relay'): Child[] {
    return role === 'consumer' ? this.consumers : role === 'publisher' ? this.publishers : this.relays;
  }

  /** Messages on a queue, ready for consumers; `undefined` while nobody can tell. */
  async depth(queue: string): Promise<number | undefined> {
    try {
      const channel = await this.#adminChannel();
      return (await withLimit(channel.checkQueue(queue), 3000)).messageCount;
    } catch {
      this.#forgetAdmin();
      return undefined;
    }
  }

  /** A channel straight to a node that runs, past the proxy. */
  async #adminChannel(): Promise<Channel> {
    if (this.#admin !== undefined) return this.#admin.channel;
    const node = this.nodes.find(({ pid }) => pid !== undefined) ?? this.node;
    const model = await withLimit(
      connect(node.url, { clientProperties: { connection_name: 'ledger: conductor' } }),
      3000,
    );
    model.on('error', () => undefined).on('close', () => this.#forgetAdmin());
    const channel = await model.createChannel();
    channel.on('error', () => this.#forgetAdmin());
    this.#admin = { model, channel };
    return channel;
  }

  async admin<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#adminChannel());
    } catch (error) {
      this.#forgetAdmin();
      throw error;
    }
  }

  #forgetAdmin(): void {
    this.#admin?.model.close().catch(() => undefined);
    this.#admin = undefined;
  }

  async sql(text: string, values: readonly unknown[] = []): Promise<pg.QueryResult> {
    const client = new pg.Client({ connectionString: this.postgres.url, application_name: 'ledger conductor' });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.query(text, [...values]);
    } finally {
      await client.end();
    }
  }

  /** Ends and deletes everything, ledgers too unless they are to be kept. */
  async remove({ keepLedgers }: { readonly keepLedgers: boolean }): Promise<void> {
    this.#forgetAdmin();
    for (const child of [...this.publishers, ...this.consumers, ...this.relays, this.proxy]) {
      if (child.isAlive) child.signal('SIGKILL');
    }
    await Promise.all([...this.nodes.map((node) => node.remove()), this.postgres.remove(), this.redis?.remove()]);
    this.ledger.close();
    await delay(100);
    if (!keepLedgers) rmSync(this.folder, { recursive: true, force: true });
  }

  #ended(child: Child, { code, signal }: Exit): void {
    const { name } = child.options;
    for (const what of ['attempted', 'confirmed', 'handled'] as const) this.#done[what] += child.counts[what];
    child.counts = { attempted: 0, confirmed: 0, handled: 0, lastStart: 0 };
    if (!child.mayEnd) this.ledger.write('ended-by-itself', name, 'ended by itself with', String(code ?? signal));
  }

  /** Through the proxies: processes begin with different nodes. */
  #urls(slot: number): string[] {
    const urls = this.proxy.ports.map((port) => `amqp://guest:guest@127.0.0.1:${port}`);
    return urls.map((_, index) => urls[(index + slot) % urls.length] as string);
  }

  static #processOptions(
    { row, seed, publishers, rate, concurrency, prefetch, heartbeatSeconds }: WorldOptions,
    folder: string,
    postgres: PrivatePostgres,
    redis: PrivateRedis | undefined,
  ): Omit<ProcessOptions, 'name' | 'role' | 'slot' | 'urls'> {
    return {
      folder,
      seed,
      row,
      databaseUrl: postgres.url,
      ...(redis && { redisUrl: redis.url }),
      publishers,
      rate: rate / publishers,
      concurrency,
      prefetch,
      heartbeatSeconds,
    };
  }

  /** What the checker needs to know, beside the ledgers. */
  writeFacts(facts: object): void {
    writeFileSync(join(this.folder, 'run.json'), JSON.stringify(facts));
  }

  /** The queue of the workload, deleted with all that is on it. */
  async deleteQueue(): Promise<void> {
    await this.admin((channel) => channel.deleteQueue(NAMES.queue));
  }
}

async function prepare(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => undefined);
  for (const table of TABLES) await pool.query(table);
  await migrate(postgresDatabase(pool, { service: 'ledger' }));
  await pool.end();
}

export async function withLimit<T>(work: Promise<T> | PromiseLike<T>, limitMs: number): Promise<T> {
  const late = Symbol('late');
  const got = await Promise.race([work, delay(limitMs, late as typeof late, { ref: false })]);
  if (got === late) throw new Error(`no answer within ${limitMs} ms`);
  return got as T;
}
