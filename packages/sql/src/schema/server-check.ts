import { type ApplicationIdentity, ConfigurationError, type StoreConcern } from '@leveret/core';
import { commitsByItself } from '../database/mysql-database.js';
import { readMysqlSession } from '../database/mysql-session.js';
import type { SqlDatabase, SqlExecutor } from '../database/sql-database.js';
import type { SqlDialectName } from '../database/sql-dialect.js';
import { recordService } from './services.js';

/**
 * What a store in a database is asked at the start of an application: whether it can work there, who else uses the name, and
 * whether what is committed is safe.
 * @throws {ConfigurationError} when it cannot work with sessions as they are
 */
export async function checkServer<Tx>(
  database: SqlDatabase<Tx>,
  application: ApplicationIdentity,
): Promise<readonly StoreConcern[]> {
  await checkSessions(database);
  const conflicts = await recordService(database, application);
  return [...conflicts, ...(await DURABILITY[database.dialect.name](database))];
}

/**
 * Checks how statements outside of transactions run. leveret's own adapters see to that themselves; one of your own may stand
 * on sessions that commit nothing.
 * @throws {ConfigurationError} when statements are not committed, or different message ids would become one
 */
export async function checkSessions<Tx>(database: SqlDatabase<Tx>): Promise<void> {
  if (database.dialect.name !== 'mysql' || commitsByItself(database)) return;
  const { autocommit } = await readMysqlSession(database);
  if (autocommit) return;
  throw new ConfigurationError([
    'the sessions of the SqlDatabase have autocommit = 0, so that its query() commits nothing: claims would be granted twice and messages published again and again. Set autocommit = 1 for them, or use mysqlDatabase(pool)',
  ]);
}

type Durability = (executor: SqlExecutor) => Promise<readonly StoreConcern[]>;

const DURABILITY: Readonly<Record<SqlDialectName, Durability>> = {
  postgres: async (executor) => {
    const { rows } = await executor.query(
      `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off'`,
    );
    return rows.map(({ name }) => loses(`${String(name)} = off`, `ALTER ROLE … SET ${String(name)} = on`));
  },
  mysql: async (executor) => {
    const { rows } = await executor.query('SELECT @@GLOBAL.innodb_flush_log_at_trx_commit AS flush');
    const flush = Number(rows[0]?.['flush']);
    return flush === 1
      ? []
      : [loses(`innodb_flush_log_at_trx_commit = ${flush}`, 'SET GLOBAL innodb_flush_log_at_trx_commit = 1')];
  },
  sqlite: async (executor) => {
    const { rows } = await executor.query('PRAGMA synchronous');
    const { rows: files } = await executor.query('PRAGMA database_list');
    const inMemory = files.every(({ file }) => file === '' || file === null);
    const level = Number(Object.values(rows[0] ?? {})[0]);
    if (inMemory || level >= 2) return [];
    return [loses(`PRAGMA synchronous = ${level === 0 ? 'OFF' : 'NORMAL'}`, 'PRAGMA synchronous = FULL')];
  },
};

function loses(setting: string, remedy: string): StoreConcern {
  const text = `The database answers a commit before it is safe (${setting}): after a crash of the machine, messages that were acknowledged have had no effect. ${remedy} for the user of the service.`;
  return { kind: 'loses-commits', text };
}
