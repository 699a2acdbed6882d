import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import pg from 'pg';
import type { BrokerCluster, BrokerNode, BrokerVersion } from '../../../scripts/brokers.mjs';
import { LedgerFile } from '../ledger/ledger-file.js';
import type { ProcessOptions, ProxyAction } from '../processes/ledger-process.js';
import { ownFolder } from '../services/own-folder.js';
import type { PrivatePostgres } from '../services/private-postgres.js';
import type { PrivateRedis } from '../services/private-redis.js';
import { NAMES, type Row } from '../workload/row.js';
import { Child, type Exit } from './child.js';
import { Grounds } from './grounds.js';

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
  readonly programs?: { readonly consumer?: string; readonly publisher?: string; readonly relay?: string };
  /** Modules that are imported first by what is under test, which plant bugs. */
  readonly imports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** How long everybody may take to go on after a fault, and the queues to run empty; the bounds that users care about are in the report. Default 60 s. */
  readonly patienceMs?: number;
  /** Milliseconds between attempts. Default 20. */
  readonly retryMs?: number;
  /** One in so many more messages is slow. Default: none more. */
  readonly slowOneIn?: number;
  /** Milliseconds that a handler works before it writes its effect. Default 0. */
  readonly handlerMs?: number;
  /** Whose handlers stop at their signal. Default `some`: half of the slow ones. */
  readonly heeds?: ProcessOptions['heeds'];
  readonly keepsGrounds?: boolean;
}

const START_TRIES = 30;

/** Everything that runs: broker, proxy, database, store, publishers, consumers; and the conductor's own ledger. */
export class World {
  readonly ledger: LedgerFile;
  readonly folder: string;
  consumers: Child[] = [];
  publishers: Child[] = [];
  relays: Child[] = [];
  #lives = 0;
  #isWindingUp = false;
  readonly #starting = new Map<string, Promise<void>>();
  #admin: { readonly model: ChannelModel; readonly channel: Channel } | undefined;
  readonly #done = { attempted: 0, confirmed: 0, handled: 0 };

  private constructor(
    readonly options: WorldOptions,
    folder: string,
    readonly grounds: Grounds,
    readonly proxy: Child,
  ) {
    this.folder = folder;
    this.ledger = new LedgerFile(join(folder, 'conductor.log'));
  }

  /** @param grounds of an earlier run; they stay. Default: some of its own. */
  static async start(options: WorldOptions, grounds?: Grounds): Promise<World> {
    const folder = ownFolder('run');
    const { version, nodes, row } = options;
    const ground = grounds ?? (await Grounds.start({ version, nodes, redis: row.guard === 'redis' }));
    try {
      const proxy = new Child(
        undefined,
        {
          ...World.#processOptions(options, folder, ground),
          name: 'proxy',
          role: 'proxy',
          slot: 0,
          urls: [],
          targets: ground.nodes.map(({ port }) => port),
        },
        { imports: [], environment: {} },
        () => undefined,
      );
      await proxy.ready();
      return new World({ ...options, keepsGrounds: grounds !== undefined }, folder, ground, proxy);
    } catch (error) {
      if (grounds === undefined) await ground.remove();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get nodes(): readonly BrokerNode[] {
    return this.grounds.nodes;
  }

  get cluster(): BrokerCluster | undefined {
    return this.grounds.cluster;
  }

  get postgres(): PrivatePostgres {
    return this.grounds.postgres;
  }

  get redis(): PrivateRedis | undefined {
    return this.grounds.redis;
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
    // Before the first kill; it takes seconds on a busy machine.
    const kept = Promise.all(this.nodes.map((node) => node.keepDeclarations()));
    if (row.outbox) await Promise.all([this.spawn('relay', 0), this.spawn('relay', 1)]);
    await Promise.all(Array.from({ length: publishers }, (_, index) => this.spawn('publisher', index)));
    await kept;
  }

  /** Starts the next life of a process, and resolves when it is ready. */
  async spawn(role: 'consumer' | 'publisher' | 'relay', slot: number): Promise<Child> {
    const { options, folder, grounds } = this;
    const program = options.programs?.[role];
    const name = `${role}-${slot}.${++this.#lives}`;
    const child = new Child(
      program,
      { ...World.#processOptions(options, folder, grounds), name, role, slot, urls: this.#urls(slot) },
      { imports: options.imports ?? [], environment: options.environment ?? {} },
      (ended, exit) => this.#ended(ended, exit),
    );
    this.of(role)[slot] = child;
    await child.ready();
    return child;
  }

  of(role: 'consumer' | 'publisher' | 'relay'): Child[] {
    return role === 'consumer' ? this.consumers : role === 'publisher' ? this.publishers : this.relays;
  }

  /**
   * Starts the next life of a process without waiting for it: faults go on meanwhile.
   */
  spawnBeside(role: 'consumer' | 'publisher' | 'relay', slot: number): void {
    const place = `${role} ${slot}`;
    this.#starting.set(place, this.#spawnUntilReady(role, slot));
  }

  async #spawnUntilReady(role: 'consumer' | 'publisher' | 'relay', slot: number): Promise<void> {
    for (let tries = 0; !this.#isWindingUp; tries++) {
      try {
        await this.spawn(role, slot);
        return;
      } catch (error) {
        if (this.options.programs === undefined || tries === START_TRIES) {
          this.ledger.write('ended-by-itself', String(error).replaceAll('\n', ' '));
          return;
        }
        await delay(1000);
      }
    }
  }

  /** As a supervisor would; that it ended is written down. */
  #startAgain({ options: { role, slot } }: Child): void {
    if (role !== 'proxy' && !this.#isWindingUp) this.spawnBeside(role, slot);
  }

  /** Nobody is started any more. */
  windingUp(): void {
    this.#isWindingUp = true;
  }

  /** Resolves when every process is ready that is being started. */
  async everybodyReady(): Promise<void> {
    await Promise.all(this.#starting.values());
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
    const connecting = connect(node.url, { clientProperties: { connection_name: 'ledger: conductor' } });
    // Also of one that comes too late to be waited for: its error would end this process.
    connecting.then(
      (late) => late.on('error', () => undefined),
      () => undefined,
    );
    const model = await withLimit(connecting, 3000);
    model.on('close', () => this.#forgetAdmin());
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
    if (!this.options.keepsGrounds) await this.grounds.remove();
    else await Promise.all([...this.publishers, ...this.consumers, ...this.relays].map(({ exited }) => exited));
    this.ledger.close();
    await delay(100);
    if (!keepLedgers) rmSync(this.folder, { recursive: true, force: true });
  }

  #ended(child: Child, { code, signal }: Exit): void {
    const { name } = child.options;
    for (const what of ['attempted', 'confirmed', 'handled'] as const) this.#done[what] += child.counts[what];
    child.counts = { attempted: 0, confirmed: 0, handled: 0, lastStart: 0 };
    if (child.mayEnd) return;
    // Others give up when the broker is away at their start, and count on somebody who starts them again.
    const isStart = !child.isReady && this.options.programs !== undefined;
    this.ledger.write(
      isStart ? 'start-failed' : 'ended-by-itself',
      name,
      'ended by itself with',
      String(code ?? signal),
    );
    if (!isStart) this.#startAgain(child);
  }

  /** Through the proxies: processes begin with different nodes. */
  #urls(slot: number): string[] {
    const urls = this.proxy.ports.map((port) => `amqp://guest:guest@127.0.0.1:${port}`);
    return urls.map((_, index) => urls[(index + slot) % urls.length] as string);
  }

  static #processOptions(
    options: WorldOptions,
    folder: string,
    { postgres, redis }: Grounds,
  ): Omit<ProcessOptions, 'name' | 'role' | 'slot' | 'urls'> {
    const { row, seed, publishers, rate, concurrency, prefetch, heartbeatSeconds } = options;
    const { retryMs = 20, slowOneIn = 0, handlerMs = 0, heeds = 'some' } = options;
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
      retryMs,
      slowOneIn,
      handlerMs,
      heeds,
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

export async function withLimit<T>(work: Promise<T> | PromiseLike<T>, limitMs: number): Promise<T> {
  const late = Symbol('late');
  const got = await Promise.race([work, delay(limitMs, late as typeof late, { ref: false })]);
  if (got === late) throw new Error(`no answer within ${limitMs} ms`);
  return got as T;
}
