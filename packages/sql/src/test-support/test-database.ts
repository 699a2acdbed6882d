import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../schema/migrate.js';
import { openDatabase } from './open-database.js';
import type { OpenDatabase } from './opened.js';
import { databaseOn, type PrivateDatabase, SERVERS } from './server-database.js';

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

const postgresKind: DatabaseKind = {
  name: 'PostgreSQL',
  service: 'postgres',
  shared: true,
  make: () => databaseOn(SERVERS.postgres),
};

const mariadbKind: DatabaseKind = {
  name: 'MariaDB',
  service: 'mariadb',
  shared: true,
  make: () => databaseOn(SERVERS.mariadb),
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
