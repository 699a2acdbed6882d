import { type ApplicationIdentity, type StoreConcern, serviceConflicts } from '@leveret/core';
import type { SqlDatabase, SqlExecutor } from '../database/sql-database.js';

/** Writes down who uses the tables, and answers what it shares its name with. */
export async function recordService<Tx>(
  database: SqlDatabase<Tx>,
  application: ApplicationIdentity,
): Promise<readonly StoreConcern[]> {
  const { service } = application;
  return database.transaction(async (tx) => {
    const executor = database.within(tx);
    await ensureRow(executor, database, service);
    const text = (statement: string) => database.dialect.placeholders(statement);
    // Others that start at this moment wait for the row, and see what this one wrote.
    const lock = database.dialect.name === 'sqlite' ? '' : ' FOR UPDATE';
    const find = text(`SELECT fingerprint FROM leveret_services WHERE service = ?${lock}`);
    const { rows } = await executor.query(find, [service]);
    const recorded = readUses(rows[0]?.['fingerprint']);
    const update = text(
      `UPDATE leveret_services SET fingerprint = ?, recorded_at = ${database.dialect.now} WHERE service = ?`,
    );
    await executor.query(update, [writeUses(new Map([...recorded, ...application.uses])), service]);
    return serviceConflicts(recorded, application);
  });
}

/**
 * Writes down for how long the service wants handled messages to be remembered.
 * @returns the longest time of all services that use the tables, in milliseconds: the inbox is deleted by age alone
 */
export async function recordRetention<Tx>(database: SqlDatabase<Tx>, retentionMs: number): Promise<number> {
  const { dialect, service } = database;
  await ensureRow(database, database, service);
  const update = `UPDATE leveret_services SET retention_ms = ? WHERE service = ? AND retention_ms <> ?`;
  await database.query(dialect.placeholders(update), [retentionMs, service, retentionMs]);
  const { rows } = await database.query('SELECT max(retention_ms) AS longest FROM leveret_services');
  return Math.max(retentionMs, Number(rows[0]?.['longest'] ?? 0));
}

async function ensureRow(
  executor: SqlExecutor,
  { dialect }: Pick<SqlDatabase, 'dialect'>,
  service: string,
): Promise<void> {
  const row = `INTO leveret_services (service, fingerprint, retention_ms, recorded_at) VALUES (?, '{}', 0, ${dialect.now})`;
  const insert =
    dialect.name === 'mysql'
      ? `INSERT ${row} ON DUPLICATE KEY UPDATE service = service`
      : `INSERT ${row} ON CONFLICT DO NOTHING`;
  await executor.query(dialect.placeholders(insert), [service]);
}

/** What somebody wrote by hand is as good as nothing. */
function readUses(text: unknown): ReadonlyMap<string, string> {
  try {
    const entries = Object.entries(JSON.parse(String(text)) as object);
    return new Map(entries.map(([name, source]) => [name, String(source)]));
  } catch {
    return new Map();
  }
}

function writeUses(uses: ReadonlyMap<string, string>): string {
  return JSON.stringify(Object.fromEntries(uses));
}
