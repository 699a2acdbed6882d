import { mysqlDatabase } from '@leveret/sql';
import mysql, { type PoolConnection } from 'mysql2/promise';
import type { Recipe } from './recipe.js';

export async function useMysql2(uri: string): Promise<Recipe<PoolConnection>> {
  const pool = mysql.createPool({ uri, charset: 'utf8mb4_bin' });
  return {
    database: mysqlDatabase<PoolConnection>(pool as never, { service: 'billing' }),
    addPayment: async (transaction, orderId, amount) => {
      await transaction.execute('INSERT INTO recipe_payment (order_id, amount) VALUES (?, ?)', [orderId, amount]);
    },
    close: () => pool.end(),
  };
}
