import mysql2 from 'mysql2/promise';
import { type MysqlClient, mysqlDatabase } from '../database/mysql-database.js';
import { anyTransaction, type OpenDatabase, observed, type Step } from './opened.js';

export function openMysql(url: string, step: Step, service = 'test'): OpenDatabase {
  const pool = mysql2.createPool({ uri: url, connectionLimit: 10 });
  const stepping = (client: MysqlClient): MysqlClient => ({
    query: (text) => observed(step, () => client.query(text)),
    execute: (text, values) => observed(step, () => client.execute(text, values)),
  });
  const stepped = {
    ...stepping(pool),
    getConnection: async () => {
      const connection = await pool.getConnection();
      return {
        ...stepping(connection),
        release: () => connection.release(),
        destroy: () => connection.destroy(),
        connection: connection.connection,
      };
    },
  };
  const database = mysqlDatabase(stepped, { service });
  return { database: anyTransaction(database), close: () => pool.end() };
}
