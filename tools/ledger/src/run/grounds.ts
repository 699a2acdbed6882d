import { migrate, postgresDatabase } from '@leveret/sql';
import { connect } from 'amqplib';
import pg from 'pg';
import type { BrokerCluster, BrokerNode, BrokerVersion } from '../../../scripts/brokers.mjs';
import { MEMORY_FOLDER, startCluster, startNode } from '../../../scripts/brokers.mjs';
import { PrivatePostgres } from '../services/private-postgres.js';
import { PrivateRedis } from '../services/private-redis.js';
import { NAMES, REDELIVER_MS } from '../workload/row.js';

/** It takes 5 s on an idle machine; on a busy one it is the machine that is slow, and no fault of anybody. */
const START_LIMIT_MS = 300_000;
const TABLES = [
  'CREATE TABLE effects (serial bigserial PRIMARY KEY, n bigint NOT NULL, key integer NOT NULL, seq integer NOT NULL, process text NOT NULL)',
  'CREATE TABLE business (n bigint PRIMARY KEY)',
];
const WRITTEN = ['effects', 'business', 'leveret_inbox', 'leveret_outbox', 'leveret_idempotency'];

/** What a run stands on: brokers, a database, a Redis where it needs one. Several runs may use them, one behind the other. */
export class Grounds {
  private constructor(
    readonly version: BrokerVersion,
    readonly nodes: readonly BrokerNode[],
    readonly cluster: BrokerCluster | undefined,
    readonly postgres: PrivatePostgres,
    readonly redis: PrivateRedis | undefined,
  ) {}

  static async start(options: {
    readonly version: BrokerVersion;
    readonly nodes: number;
    readonly redis: boolean;
  }): Promise<Grounds> {
    const { version } = options;
    const starting = [
      options.nodes > 1
        ? startCluster({ version, nodes: options.nodes, plugins: ['rabbitmq_management'] })
        : startNode({ version, within: MEMORY_FOLDER, startTimeoutMs: START_LIMIT_MS }),
      PrivatePostgres.start(),
      options.redis ? PrivateRedis.start() : undefined,
    ] as const;
    const started = await Promise.allSettled(starting);
    const failed = started.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') {
      await Promise.all(started.map((each) => (each.status === 'fulfilled' ? each.value?.remove() : undefined)));
      throw failed.reason;
    }
    const [broker, postgres, redis] = await Promise.all(starting);
    const cluster = 'nodes' in broker ? broker : undefined;
    const grounds = new Grounds(version, cluster?.nodes ?? [broker as BrokerNode], cluster, postgres, redis);
    await prepare(postgres.url);
    return grounds;
  }

  /** Nothing of the run before is left: no queue, no row, no key. */
  async clear(): Promise<void> {
    const model = await connect(this.nodes[0]?.url ?? '');
    const channel = await model.createChannel();
    const waiting = REDELIVER_MS.map((ms) => `leveret.ledger.wait.${ms}`);
    for (const queue of [NAMES.queue, NAMES.parkedQueue, NAMES.deadQueue, ...waiting]) await channel.deleteQueue(queue);
    await model.close();
    const client = new pg.Client({ connectionString: this.postgres.url });
    await client.connect();
    await client.query(`TRUNCATE ${WRITTEN.join(', ')}`);
    await client.end();
    await this.redis?.clear();
  }

  async remove(): Promise<void> {
    await Promise.all([...this.nodes.map((node) => node.remove()), this.postgres.remove(), this.redis?.remove()]);
  }
}

async function prepare(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => undefined);
  for (const table of TABLES) await pool.query(table);
  await migrate(postgresDatabase(pool, { service: 'ledger' }));
  await pool.end();
}
