/** The databases that leveret speaks with. MariaDB is `mysql`. */
export type SqlDialectName = 'postgres' | 'mysql' | 'sqlite';

/** How a database wants to be spoken to. One of {@link postgres}, {@link mysql} and {@link sqlite}. */
export interface SqlDialect {
  readonly name: SqlDialectName;
  /** The time of the database in milliseconds since the epoch, as an expression. */
  readonly now: string;
  /** Writes a statement with `?` for each parameter as this database reads it. */
  placeholders(text: string): string;
}

const asWritten = (text: string): string => text;

/** PostgreSQL 12 or later. */
export const postgres: SqlDialect = Object.freeze({
  name: 'postgres',
  // Not now(): that is when the transaction began. Rounded down as Date.now() is: a cast alone rounds to the nearest, half a
  // millisecond early.
  now: 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint',
  placeholders: (text: string) => {
    let count = 0;
    return text.replace(/\?/g, () => `$${++count}`);
  },
});

/** MySQL 8.0 or later, MariaDB 10.6 or later. */
export const mysql: SqlDialect = Object.freeze({
  name: 'mysql',
  // Not UNIX_TIMESTAMP(): it goes through the time zone of the session, and back an hour when summer ends.
  now: `(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000)`,
  placeholders: asWritten,
});

/** SQLite 3.35 or later. Its clock is that of the machine. */
export const sqlite: SqlDialect = Object.freeze({
  name: 'sqlite',
  // julianday() has milliseconds, but as days: without ROUND every other one comes out as the one before.
  now: `CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)`,
  placeholders: asWritten,
});
