import pg from 'pg';
import { type PostgresClient, postgresDatabase } from '../database/postgres-database.js';
import { anyTransaction, type OpenDatabase, observed, type Step } from './opened.js';

export function openPostgres(url: string, step: Step, service = 'test'): OpenDatabase {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  pool.on('error', () => {});
  const stepping = (client: PostgresClient): PostgresClient => ({
    query: (text, values) => observed(step, () => client.query(text, values)),
  });
  const database = postgresDatabase(
    {
      ...stepping(pool),
      connect: async () => {
        const client = await pool.connect();
        return {
          ...stepping(client),
          release: (destroy) => client.release(destroy),
          on: (event, listener) => client.on(event, listener),
          off: (event, listener) => client.off(event, listener),
        };
      },
    },
    { service },
  );
  return { database: anyTransaction(database), close: () => pool.end() };
}
