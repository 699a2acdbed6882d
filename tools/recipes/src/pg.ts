import { postgresDatabase } from '@leveret/sql';
import pg from 'pg';
import type { Recipe } from './recipe.js';

export async function usePg(connectionString: string): Promise<Recipe<pg.PoolClient>> {
  const pool = new pg.Pool({ connectionString });
  return {
    database: postgresDatabase<pg.PoolClient>(pool as never, { service: 'billing' }),
    addPayment: async (transaction, orderId, amount) => {
      await transaction.query('INSERT INTO recipe_payment (order_id, amount) VALUES ($1, $2)', [orderId, amount]);
    },
    close: () => pool.end(),
  };
}
