import { type SqliteConnection, sqliteDatabase } from '@leveret/sql';
import type { Recipe } from './recipe.js';

/** With `new Database(file)` of better-sqlite3 or libsql, or `new DatabaseSync(file)` of node:sqlite (Node 22.5 or later). */
export async function useSqlite<Connection extends SqliteConnection & { close(): unknown }>(
  connection: Connection,
): Promise<Recipe<Connection>> {
  return {
    database: sqliteDatabase(connection, { service: 'billing' }),
    addPayment: async (transaction, orderId, amount) => {
      transaction.prepare('INSERT INTO recipe_payment (order_id, amount) VALUES (?, ?)').run(orderId, amount);
    },
    close: async () => {
      connection.close();
    },
  };
}
