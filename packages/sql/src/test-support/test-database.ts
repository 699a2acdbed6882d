import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqlDatabase } from '../database/sql-database.js';
import { migrate } from '../schema/migrate.js';
import { openDatabase } from './open-database.js';
import type { OpenDatabase } from './opened.js';

/** A kind of database that tests run on. */
export interface DatabaseKind {
  readonly name: string;
  /** What `needs()` calls it; SQLite is always there. */
  readonly service: 'postgres' | 'mariadb' | undefined;
  /** Whether several processes can open it. */
  readonly shared: boolean;
  /** Makes a private database without tables. */
  make(): Promise<PrivateDatabase>;
}

/** A database of one test file. */
export interface PrivateDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A private database with the tables in it, and connections that are closed before it is dropped. */
export class TestDatabase {
  readonly #made: PrivateDatabase;
  readonly #kind: DatabaseKind;
  readonly #opened: OpenDatabase[] = [];

  private constructor(kind: DatabaseKind, made: PrivateDatabase) {
    this.#kind = kind;
    this.#made = made;
  }

  static async create(kind: DatabaseKind, options: { readonly migrated?: boolean } = {}): Promise<TestDatabase> {
    const database = new TestDatabase(kind, await kind.make());
    if (options.migrated !== false) await migrate(database.open());
    return database;
  }

  get url(): string {
    return this.#made.url;
  }

  /** Another set of connections, as another instance of a service has; the first one again where only one can be. */
  open(service = 'test') {
    const [first] = this.#opened;
    if (first !== undefined && !this.#kind.shared) return { ...first.database, service };
    const opened = openDatabase(this.url, service);
    this.#opened.push(opened);
    return opened.database;
  }

  async dispose(): Promise<void> {
    for (const each of this.#opened) await each.close();
    await this.#made.drop();
  }
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
/** Databases of tests on this machine, with the process that made them. */
const OURS = new RegExp(`^leveret_${HOST}_(\\d+)_[0-9a-f]+$`);

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

const cleared = new Map<Server, Promise<void>>();

/** A run that was ended leaves its databases behind: the next one drops them. */
function clearUp(server: Server): Promise<void> {
  const clearing = cleared.get(server) ?? administer(server, (database) => dropAbandoned(database, server.list));
  cleared.set(server, clearing);
  return clearing;
}

async function dropAbandoned(database: SqlDatabase<unknown>, list: string): Promise<void> {
  const { rows } = await database.query(list);
  for (const name of rows.map((row) => String(row['name']))) {
    const [, pid] = OURS.exec(name) ?? [];
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

async function onServer(server: Server): Promise<PrivateDatabase> {
  await clearUp(server);
  const name = `leveret_${HOST}_${process.pid}_${randomUUID().slice(0, 8)}`;
  await administer(server, (database) => database.query(`CREATE DATABASE ${name}`));
  const url = new URL(server.base);
  url.pathname = `/${name}`;
  const drop = async () => {
    await administer(server, (database) => database.query(`DROP DATABASE IF EXISTS ${name}`));
  };
  return { url: url.href, drop };
}

const POSTGRES: Server = {
  base: process.env['POSTGRES_URL'] ?? 'postgres://root@127.0.0.1:5432/test',
  maintenance: 'postgres',
  list: 'SELECT datname AS name FROM pg_database',
};
const MARIADB: Server = {
  base: process.env['MARIADB_URL'] ?? 'mysql://root@127.0.0.1:3306/test',
  maintenance: '',
  list: 'SELECT schema_name AS name FROM information_schema.schemata',
};

const postgresKind: DatabaseKind = {
  name: 'PostgreSQL',
  service: 'postgres',
  shared: true,
  make: () => onServer(POSTGRES),
};

const mariadbKind: DatabaseKind = {
  name: 'MariaDB',
  service: 'mariadb',
  shared: true,
  make: () => onServer(MARIADB),
};

const sqliteFileKind: DatabaseKind = {
  name: 'SQLite in a file',
  service: undefined,
  shared: true,
  make: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'leveret-sqlite-'));
    return {
      url: `sqlite:${join(folder, 'test.db')}`,
      drop: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
};

const sqliteMemoryKind: DatabaseKind = {
  name: 'SQLite in memory',
  service: undefined,
  shared: false,
  make: async () => ({ url: 'sqlite::memory:', drop: async () => {} }),
};

/** Every kind that is tested. */
export const DATABASE_KINDS: readonly DatabaseKind[] = [postgresKind, mariadbKind, sqliteFileKind, sqliteMemoryKind];
