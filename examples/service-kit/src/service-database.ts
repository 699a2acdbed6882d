import {
  migrate,
  postgresDatabase,
  postgresWakeUp,
  type SqlDatabase,
  type SqlExecutor,
  type SqlResult,
  sqliteDatabase,
  type WakeUp,
} from '@leveret/sql';
import Libsql from 'libsql';
import pg from 'pg';

/** The database of one service. */
export interface ServiceDatabase extends AsyncDisposable {
  /** For the inbox, the outbox and its relay. */
  readonly sql: SqlDatabase;
  /** Says at once that something was committed to the outbox, where the database can do that. */
  readonly wakeUp: WakeUp | undefined;
  /** Where it is, for people. */
  readonly place: string;
  /** Runs a statement with `?` for each parameter, in a transaction if one is given. */
  run(text: string, parameters?: readonly unknown[], transaction?: unknown): Promise<SqlResult>;
}

/**
 * Opens the database of a service and creates its tables: a schema of its own in the PostgreSQL that `DATABASE_URL` names,
 * else an SQLite file. Several runs may share a PostgreSQL: `LEVERET_EXAMPLES_RUN` tells their schemas apart.
 * @param service such as `pay_service`: whose rows they are, name of the schema, and of the file unless `SQLITE_FILE` names another
 * @param tables `CREATE TABLE IF NOT EXISTS …`, in words that both databases know
 */
export async function openServiceDatabase(service: string, tables: readonly string[]): Promise<ServiceDatabase> {
  const url = process.env['DATABASE_URL'];
  const database =
    url === undefined || url === ''
      ? openSqlite(service, process.env['SQLITE_FILE'] ?? `${service}.db`)
      : await openPostgres(service, url, schemaOf(service));
  await migrate(database.sql);
  for (const table of tables) await database.run(table);
  return database;
}

function schemaOf(service: string): string {
  const run = process.env['LEVERET_EXAMPLES_RUN'];
  return run === undefined ? service : `${service}_${run}`;
}

function openSqlite(service: string, file: string): ServiceDatabase {
  const connection = new Libsql(file);
  connection.exec('PRAGMA journal_mode = WAL');
  const sql: SqlDatabase = sqliteDatabase(connection, { service });
  return {
    sql,
    wakeUp: undefined,
    place: `SQLite file ${file}`,
    run: runner(sql),
    [Symbol.asyncDispose]: async () => void connection.close(),
  };
}

async function openPostgres(service: string, url: string, schema: string): Promise<ServiceDatabase> {
  const settings = { connectionString: url, options: `-c search_path=${schema}` };
  const pool = new pg.Pool({ ...settings, max: 10 });
  // A connection that is lost while nobody uses it is replaced at its next use.
  pool.on('error', () => undefined);
  await pool.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  const sql: SqlDatabase = postgresDatabase(pool, { service });
  return {
    sql,
    wakeUp: postgresWakeUp(() => new pg.Client(settings)),
    place: `PostgreSQL, schema ${schema}`,
    run: runner(sql),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

function runner(sql: SqlDatabase): ServiceDatabase['run'] {
  return (text, parameters = [], transaction = undefined) => {
    const executor: SqlExecutor = transaction === undefined ? sql : sql.within(transaction);
    return executor.query(sql.dialect.placeholders(text), parameters);
  };
}
