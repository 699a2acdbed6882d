/** The inbox of leveret, replaced by one that remembers a message before its handler has done anything. */
import { postgresDatabase, TransactionalInbox } from '@leveret/sql';
import pg from 'pg';
import { readProcessOptions } from '../processes/ledger-process.js';

const pool = new pg.Pool({ connectionString: readProcessOptions().databaseUrl, max: 10 });
pool.on('error', () => undefined);
const database = postgresDatabase(pool, { service: 'planted' });
const ready = pool
  .query('CREATE TABLE IF NOT EXISTS planted_inbox (listener text, key text, PRIMARY KEY (listener, key))')
  .catch(() => undefined);
process.once('SIGTERM', () => setTimeout(() => pool.end(), 1000).unref());

TransactionalInbox.prototype.run = async (listenerId, key, attempt) => {
  await ready;
  const { rowCount } = await pool.query('INSERT INTO planted_inbox VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    listenerId,
    key,
  ]);
  if (rowCount === 0) return { kind: 'duplicate' };
  const value = await database.transaction(async (tx) => attempt(tx, new AbortController().signal));
  return { kind: 'handled', value, remembered: true };
};
