import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { errorText, LeveretError } from '@leveret/core';
import type { SqlDatabase, SqlExecutor, SqlResult } from '../database/sql-database.js';
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
 * Sees to it that the tables `leveret_inbox`, `leveret_outbox`, `leveret_idempotency`, `leveret_services`
 * and `leveret_stream_offsets` are there as this
 * version needs them. It looks first: where nothing is to be done it writes nothing, and needs no right but to read
 * `leveret_migrations`, in which the steps that were applied are written down. Of several processes that call it at once one
 * does the work while the others wait.
 * @returns the names of the steps that were applied now
 * @throws {LeveretError} LEV_MIGRATION when a step could not be applied, as without the right to create tables: its text has
 * the statements that an administrator has to run; also when another process held the lock for 30 s, and when a step that was
 * applied differs
 */
export async function migrate<Tx>(database: SqlDatabase<Tx>): Promise<readonly string[]> {
  const { dialect } = database;
  const missing = await missingSteps(database, dialect);
  if (missing.length === 0) return [];
  try {
    return await database.transaction(async (tx) => {
      const executor = database.within(tx);
      const lock = LOCKS[dialect.name];
      await lock.take(executor);
      try {
        // Another process may have been at it until now.
        return await apply(executor, dialect, await missingSteps(executor, dialect));
      } finally {
        await lock.release(executor);
      }
    });
  } catch (error) {
    if (LeveretError.is(error) && error.code === 'LEV_MIGRATION') throw error;
    if (sqlFault(error) === 'busy') throw locked(error);
    throw refused(dialect, missing, error);
  }
}

/**
 * All that an administrator has to run so that {@link migrate} finds nothing to do: for services whose user may not create
 * tables. Statements end with `;`.
 * @param steps those that are missing; default: all
 */
export function migrationScript(dialect: SqlDialect, steps: readonly Migration[] = migrations(dialect)): string {
  const applied = steps.flatMap(({ name, checksum, statements }) => [
    ...statements,
    `INSERT INTO leveret_migrations (name, checksum, applied_at) VALUES ('${name}', '${checksum}', ${dialect.now})`,
  ]);
  return [CREATE_RECORD, ...applied].map((statement) => `${statement};\n`).join('\n');
}

const CREATE_RECORD =
  'CREATE TABLE IF NOT EXISTS leveret_migrations (name varchar(200) PRIMARY KEY, checksum varchar(64) NOT NULL, applied_at bigint NOT NULL)';

/** Whether the record of the steps is there, which a user without rights may ask. */
const RECORD_IS_THERE: Readonly<Record<SqlDialectName, string>> = {
  // Not to_regclass: it answers out of a cache, what was there before the lock was taken.
  postgres: `SELECT count(*) AS found FROM pg_class WHERE relname = 'leveret_migrations' AND pg_table_is_visible(oid)`,
  mysql: `SELECT count(*) AS found FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'leveret_migrations'`,
  sqlite: `SELECT count(*) AS found FROM sqlite_master WHERE type = 'table' AND name = 'leveret_migrations'`,
};

async function missingSteps(executor: SqlExecutor, dialect: SqlDialect): Promise<readonly Migration[]> {
  const steps = migrations(dialect);
  const there = await executor.query(RECORD_IS_THERE[dialect.name]);
  if (Number(there.rows[0]?.['found']) === 0) return steps;
  const { rows } = await readRecord(executor);
  const applied = new Map(rows.map((row) => [row['name'], row['checksum']]));
  return steps.filter(({ name, checksum }) => {
    const known = applied.get(name);
    if (known !== undefined && known !== checksum) throw changed(name);
    return known === undefined;
  });
}

async function readRecord(executor: SqlExecutor): Promise<SqlResult> {
  try {
    return await executor.query('SELECT name, checksum FROM leveret_migrations');
  } catch (cause) {
    const text = `Which tables there are could not be read: ${errorText(cause)}. Let an administrator run: GRANT SELECT ON leveret_migrations TO the user of the service.`;
    throw new LeveretError('LEV_MIGRATION', text, { cause });
  }
}

async function apply(
  executor: SqlExecutor,
  dialect: SqlDialect,
  steps: readonly Migration[],
): Promise<readonly string[]> {
  if (steps.length === 0) return [];
  await executor.query(CREATE_RECORD);
  for (const { name, checksum, statements } of steps) {
    for (const statement of statements) await run(executor, dialect, statement);
    const record = `INSERT INTO leveret_migrations (name, checksum, applied_at) VALUES (?, ?, ${dialect.now})`;
    await executor.query(dialect.placeholders(record), [name, checksum]);
  }
  return steps.map(({ name }) => name);
}

/** MySQL commits each statement of a step by itself: a process that died in between leaves some of them done. */
async function run(executor: SqlExecutor, dialect: SqlDialect, statement: string): Promise<void> {
  try {
    await executor.query(statement);
  } catch (error) {
    if (dialect.name !== 'mysql' || !DONE_BEFORE.has((error as { readonly code?: unknown } | null)?.code)) throw error;
  }
}

const DONE_BEFORE: ReadonlySet<unknown> = new Set([
  'ER_DUP_FIELDNAME',
  'ER_DUP_KEYNAME',
  'ER_TABLE_EXISTS_ERROR',
  'ER_CANT_DROP_FIELD_OR_KEY',
]);

interface MigrationLock {
  take(executor: SqlExecutor): Promise<void>;
  release(executor: SqlExecutor): Promise<void>;
}

const LOCKS: Readonly<Record<SqlDialectName, MigrationLock>> = {
  postgres: {
    take: async (executor) => {
      await executor.query(`SELECT set_config('lock_timeout', '${LOCK_SECONDS}s', true)`);
      // As text: Prisma cannot read a column of type void.
      await executor.query(`SELECT pg_advisory_xact_lock(${PG_LOCK_KEY})::text`);
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

function refused(dialect: SqlDialect, missing: readonly Migration[], cause: unknown): LeveretError {
  // Error texts are one line; a statement may be one as well.
  const script = migrationScript(dialect, missing).replace(/\s+/g, ' ');
  const text = `The tables could not be created or changed: ${errorText(cause)}. Let a user with the right to do so run this once (migrationScript() of @leveret/sql gives it as a file): ${script}`;
  return new LeveretError('LEV_MIGRATION', text, { cause });
}
