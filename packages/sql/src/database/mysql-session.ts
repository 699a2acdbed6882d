import { ConfigurationError } from '@leveret/core';
import type { SqlExecutor } from './sql-database.js';

/** How a session of MySQL or MariaDB was set up by whoever opened it: the server, its pool, or `init_connect`. */
export interface MysqlSession {
  /** Whether a statement outside of a transaction is committed by itself. */
  readonly autocommit: boolean;
  /** Whether it takes blocks of several statements, as MariaDB does (but for its mode ORACLE). */
  readonly blocks: boolean;
}

/** Characters that each stand for a width in UTF-8, as a parameter; and what the server has to make of them. */
const PROBE = 'é日😀';
const PROBE_HEX = Buffer.from(PROBE).toString('hex').toUpperCase();

/**
 * Asks a session how it was set up.
 * @throws {ConfigurationError} when it does not hold text as it is: different message ids would become one
 */
export async function readMysqlSession(executor: SqlExecutor): Promise<MysqlSession> {
  const { rows } = await executor.query(
    'SELECT @@SESSION.autocommit AS autocommit, HEX(?) AS probe, VERSION() AS version, @@SESSION.sql_mode AS mode',
    [PROBE],
  );
  const { autocommit, probe, version, mode } = rows[0] ?? {};
  if (String(probe) !== PROBE_HEX) {
    throw new ConfigurationError([
      `the connections to MySQL or MariaDB must speak utf8mb4: in their character set ${PROBE} is held as the bytes ${String(probe)} (expected ${PROBE_HEX}), so that different message ids become one. Leave out the option charset of the pool, or set it to 'utf8mb4'`,
    ]);
  }
  const blocks = /mariadb/i.test(String(version)) && !/oracle/i.test(String(mode));
  return { autocommit: Number(autocommit) === 1, blocks };
}

/** A bit of the answer to a statement: a transaction is open behind it. */
const SERVER_STATUS_IN_TRANS = 1;

/** Whether a statement has left a transaction open, as far as its answer says so. */
export function leftOpen(answer: unknown): boolean {
  const status = (answer as { readonly serverStatus?: unknown } | undefined)?.serverStatus;
  return typeof status === 'number' && (status & SERVER_STATUS_IN_TRANS) !== 0;
}
