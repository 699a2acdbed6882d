import 'reflect-metadata';
import { OutboxRelay, postgresDatabase, postgresWakeUp } from '@leveret/sql';
import { Leveret } from 'leveret';
import pg from 'pg';
import { NAMES } from '../workload/row.js';
import { LedgerProcess, readProcessOptions } from './ledger-process.js';

const self = new LedgerProcess(readProcessOptions());
const { urls, name, heartbeatSeconds, databaseUrl } = self.options;
const pool = new pg.Pool({ connectionString: databaseUrl, max: 8 });
pool.on('error', () => undefined);
const app = await Leveret.start({
  connection: { urls: [...urls], name, heartbeat: heartbeatSeconds * 1000, startTimeout: '6m' },
  service: 'ledger',
  topology: { exchanges: [{ name: NAMES.exchange }] },
  logger: 'error',
  shutdownHooks: true,
});
const relay = new OutboxRelay(postgresDatabase(pool, { service: 'ledger' }), app.publisher, {
  wakeUp: postgresWakeUp(() => new pg.Client({ connectionString: databaseUrl })),
  lease: '5s',
}).start();
self.tell({ type: 'ready' });
process.once('SIGTERM', async () => {
  await relay.stop();
  await pool.end();
});
