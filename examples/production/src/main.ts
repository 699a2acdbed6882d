import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { RedisIdempotencyStore } from '@leveret/redis';
import { migrate, Outbox, OutboxRelay, postgresDatabase, postgresWakeUp, TransactionalInbox } from '@leveret/sql';
import { Container } from 'inversify';
import { Leveret, validatePayload } from 'leveret';
import pg from 'pg';
import { startHealthServer } from './health-server.js';
import { InvoiceListener } from './invoice-listener.js';
import { jsonLog } from './json-log.js';
import { readSettings } from './settings.js';
import { CLAIMS, INBOX, MAIL, OUTBOX } from './tokens.js';

const settings = readSettings(process.env);
const logger = jsonLog(settings.logLevel);
const service = 'billing';

// One connection for each message that is handled at a time, and two more. Limits where the driver would wait without one.
const pool = new pg.Pool({
  connectionString: settings.databaseUrl,
  max: 12,
  connectionTimeoutMillis: 5_000,
  query_timeout: 30_000,
  keepAlive: true,
});
pool.on('error', (err) => logger.warn({ err }, 'an idle connection of the database was lost'));
const database = postgresDatabase(pool, { service });
await migrate(database);
await pool.query(
  'CREATE TABLE IF NOT EXISTS invoices (order_id bigint PRIMARY KEY, number text NOT NULL, cents bigint NOT NULL)',
);
const store = await RedisIdempotencyStore.connect(settings.redisUrl, { service, prefix: settings.redisPrefix });

const container = new Container();
container.bind(INBOX).toConstantValue(new TransactionalInbox(database, { onCommit: () => relay?.wake() }));
container.bind(OUTBOX).toConstantValue(new Outbox(database, { publisher: { validate: validatePayload } }));
container.bind(CLAIMS).toConstantValue(store);
container.bind(MAIL).toConstantValue({ send: async (mail: string) => logger.info({ mail }, 'mail sent') });
container.bind(InvoiceListener).toSelf().inSingletonScope();

let relay: OutboxRelay<pg.PoolClient> | undefined;
const app = await Leveret.start({
  service,
  connection: { urls: settings.amqpUrl, name: `${service}@${process.env['HOSTNAME'] ?? 'local'}` },
  listeners: [InvoiceListener],
  topology: { exchanges: [{ name: 'billing.topic', type: 'topic' }] },
  container,
  logger,
  publisher: { validate: validatePayload },
  // Kubernetes gives 30 s: a handler has 20 of them, the rest is for what comes behind it.
  shutdownHooks: true,
  shutdownTimeout: '20s',
});
relay = new OutboxRelay(database, app.publisher, {
  wakeUp: postgresWakeUp(() => new pg.Client(settings.databaseUrl)),
}).start();
const server = await startHealthServer(app, settings.port);

// What leveret has not opened ends around it: see docs/shutdown.md.
let before: Promise<unknown> = Promise.resolve();
app.on(({ type }) => {
  if (type === 'closing') before = relay?.stop() ?? before;
  if (type === 'closed') {
    // Until here the health server says `down`: nobody sends anything any more.
    server.close();
    server.closeAllConnections();
    void before.then(() => Promise.all([store.close(), pool.end()])).then(() => logger.info({}, 'all closed'));
  }
});
logger.info({ port: (server.address() as AddressInfo).port }, 'ready');
