import Libsql from 'libsql';
import { type SqliteConnection, sqliteDatabase } from '../database/sqlite-database.js';
import { anyTransaction, type OpenDatabase, type Step } from './opened.js';

export function openSqlite(url: string, step: Step, service = 'test'): OpenDatabase {
  const driver = new Libsql(url.slice('sqlite:'.length));
  driver.exec('PRAGMA journal_mode = WAL');
  // The tests kill processes, not machines: no write is lost without a sync, and hundreds of them take their time.
  driver.exec('PRAGMA synchronous = OFF');
  const around = <T>(act: () => T): T => {
    step();
    const result = act();
    step();
    return result;
  };
  const connection: SqliteConnection = {
    exec: (text) => around(() => driver.exec(text)),
    prepare: (text) => {
      const statement = driver.prepare(text);
      return {
        reader: statement.reader,
        all: (...parameters) => around(() => statement.all(...parameters)),
        run: (...parameters) => around(() => statement.run(...parameters)),
      };
    },
  };
  const database = sqliteDatabase(connection, { service, busyTimeout: '10s' });
  return { database: anyTransaction(database), connection, close: async () => void driver.close() };
}
