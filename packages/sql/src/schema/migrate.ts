import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { LeveretError } from '@leveret/core';
import type { SqlDatabase, SqlExecutor } from '../database/sql-database.js';
import type { SqlDialect, SqlDialectName } from '../database/sql-dialect.js';
import { sqlFault } from '../database/sql-fault.js';

/** One step of the schema: a file of the package's folder `migrations/<dialect>/`. */
export interface Migration {
  /** Such as `0001-inbox-outbox-idempotency`. */
  readonly name: string;
  /** The statements of the file, for whoever applies them with a tool of their own. */
  readonly statements: readonly string[];
  /** Digest of the statements. */
  readonly checksum: string;
}

/** How long another process that migrates is waited for. */
const LOCK_SECONDS = 30;
const PG_LOCK_KEY = 7_264_513_918;

/** The steps of a dialect, in order. */
export function migrations(dialect: SqlDialect): readonly Migration[] {
  const folder = new URL(`../../migrations/${dialect.name}/`, import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const statements = statementsOf(readFileSync(new URL(file, folder), 'utf8'));
      const checksum = createHash('sha256').update(statements.join(';\n')).digest('hex');
      return { name: file.slice(0, -'.sql'.length), statements, checksum };
    });
}

/**
 * Creates the tables `leveret_inbox`, `leveret_outbox` and `leveret_idempotency`, and changes them as later versions need.
 * What was applied is written down in `leveret_migrations`; calling it again does nothing, and of several processes that
 * call it at once one does the work while the others wait.
 * @returns the names of the steps that were applied now
 * @throws {LeveretError} LEV_MIGRATION when another process held the lock for 30 s, or when a step that was applied differs
 */
export async function migrate<Tx>(database: SqlDatabase<Tx>): Promise<readonly string[]> {
  const { dialect } = database;
  try {
    return await database.transaction(async (tx) => {
      const executor = database.within(tx);
      const lock = LOCKS[dialect.name];
      await lock.take(executor);
      try {
        return await applyMissing(executor, dialect);
      } finally {
        await lock.release(executor);
      }
    });
  } catch (error) {
    if (sqlFault(error) !== 'busy') throw error;
    throw locked(error);
  }
}

async function applyMissing(executor: SqlExecutor, dialect: SqlDialect): Promise<readonly string[]> {
  await executor.query(
    'CREATE TABLE IF NOT EXISTS leveret_migrations (name varchar(200) PRIMARY KEY, checksum varchar(64) NOT NULL, applied_at bigint NOT NULL)',
  );
  const { rows } = await executor.query('SELECT name, checksum FROM leveret_migrations');
  const applied = new Map(rows.map((row) => [row['name'], row['checksum']]));
  const added: string[] = [];
  for (const { name, checksum, statements } of migrations(dialect)) {
    const known = applied.get(name);
    if (known === checksum) continue;
    if (known !== undefined) throw changed(name);
    for (const statement of statements) await executor.query(statement);
    await executor.query(
      dialect.placeholders(`INSERT INTO leveret_migrations (name, checksum, applied_at) VALUES (?, ?, ${dialect.now})`),
      [name, checksum],
    );
    added.push(name);
  }
  return added;
}

interface MigrationLock {
  take(executor: SqlExecutor): Promise<void>;
  release(executor: SqlExecutor): Promise<void>;
}

const LOCKS: Readonly<Record<SqlDialectName, MigrationLock>> = {
  postgres: {
    take: async (executor) => {
      await executor.query(`SELECT set_config('lock_timeout', '${LOCK_SECONDS}s', true)`);
      await executor.query(`SELECT pg_advisory_xact_lock(${PG_LOCK_KEY})`);
    },
    release: async () => {},
  },
  mysql: {
    take: async (executor) => {
      const { rows } = await executor.query(`SELECT GET_LOCK(${MYSQL_LOCK}, ${LOCK_SECONDS}) AS taken`);
      if (Number(rows[0]?.['taken']) !== 1) throw locked(undefined);
    },
    release: async (executor) => {
      await executor.query(`SELECT RELEASE_LOCK(${MYSQL_LOCK})`);
    },
  },
  // BEGIN IMMEDIATE has taken the only lock there is.
  sqlite: { take: async () => {}, release: async () => {} },
};

/** Locks belong to the server, so the name has to say which database; a digest, because it may have 64 characters. */
const MYSQL_LOCK = `CONCAT('leveret:', SHA1(DATABASE()))`;

function statementsOf(text: string): readonly string[] {
  return text
    .replace(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

function locked(cause: unknown): LeveretError {
  const text = `Another process has been creating the tables for more than ${LOCK_SECONDS} s; see what holds the lock.`;
  return new LeveretError('LEV_MIGRATION', text, { cause });
}

function changed(name: string): LeveretError {
  return new LeveretError(
    'LEV_MIGRATION',
    `The migration ${name} was applied in another form than this version of @leveret/sql has it. Use one version everywhere, or compare the tables with its file and mend leveret_migrations.`,
  );
}
