import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { SqlDatabase } from '../database/sql-database.js';
import { openDatabase } from './open-database.js';

/** A database of one test file. */
export interface PrivateDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A server of databases. */
interface Server {
  readonly base: string;
  /** The database from which others are made. */
  readonly maintenance: string;
  /** A query for their names. */
  readonly list: string;
}

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

async function administer<T>(
  { base, maintenance }: Server,
  act: (database: SqlDatabase<unknown>) => Promise<T>,
): Promise<T> {
  const url = new URL(base);
  url.pathname = `/${maintenance}`;
  const { database, close } = openDatabase(url.href);
  try {
    return await act(database);
  } finally {
    await close();
  }
}

const cleared = new Map<string, Promise<void>>();

/** A run that was ended leaves its databases behind: the next one drops them. */
function clearUp(server: Server, prefix: string): Promise<void> {
  const key = `${server.base} ${prefix}`;
  const clearing = cleared.get(key) ?? administer(server, (database) => dropAbandoned(database, server.list, prefix));
  cleared.set(key, clearing);
  return clearing;
}

async function dropAbandoned(database: SqlDatabase<unknown>, list: string, prefix: string): Promise<void> {
  const ours = new RegExp(`^${prefix}(\\d+)_[0-9a-f]+$`);
  const { rows } = await database.query(list);
  for (const name of rows.map((row) => String(row['name']))) {
    const [, pid] = ours.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // Another run may have the same in mind.
    await database.query(`DROP DATABASE IF EXISTS ${name}`).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes a private database without tables. Its name bears the machine, the process that made it, and what for.
 * @param purpose of tests: nothing; databases of one purpose are cleared up by the next run with the same
 */
export async function databaseOn(server: Server, purpose = ''): Promise<PrivateDatabase> {
  const prefix = `leveret_${purpose}${HOST}_`;
  await clearUp(server, prefix);
  const name = `${prefix}${process.pid}_${randomUUID().slice(0, 8)}`;
  await administer(server, (database) => database.query(`CREATE DATABASE ${name}`));
  const url = new URL(server.base);
  url.pathname = `/${name}`;
  const drop = async () => {
    await administer(server, (database) => database.query(`DROP DATABASE IF EXISTS ${name}`));
  };
  return { url: url.href, drop };
}

/** The servers that tests and benches use. */
export const SERVERS = {
  postgres: {
    base: process.env['POSTGRES_URL'] ?? 'postgres://root@127.0.0.1:5432/test',
    maintenance: 'postgres',
    list: 'SELECT datname AS name FROM pg_database',
  },
  mariadb: {
    base: process.env['MARIADB_URL'] ?? 'mysql://root@127.0.0.1:3306/test',
    maintenance: '',
    list: 'SELECT schema_name AS name FROM information_schema.schemata',
  },
} as const satisfies Readonly<Record<string, Server>>;
