import { openMysql } from './open-mysql.js';
import { openPostgres } from './open-postgres.js';
import { openSqlite } from './open-sqlite.js';
import type { OpenDatabase } from './opened.js';

/** Opens `postgres:`, `mysql:` or `sqlite:` (a path, or `:memory:`) by its URL. */
export function openDatabase(url: string, service = 'test'): OpenDatabase {
  const { protocol } = new URL(url);
  if (protocol === 'postgres:') return openPostgres(url, () => {}, service);
  if (protocol === 'mysql:') return openMysql(url, () => {}, service);
  return openSqlite(url, () => {}, service);
}
