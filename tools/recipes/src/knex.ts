import { postgres, type SqlDatabase, type SqlExecutor } from '@leveret/sql';
import knex, { type Knex } from 'knex';
import type { Recipe } from './recipe.js';

export async function useKnex(connection: string): Promise<Recipe<Knex.Transaction>> {
  const db = knex({ client: 'pg', connection });
  const executor = (each: Knex): SqlExecutor => ({
    query: async (text, parameters = []) => {
      const { rows, rowCount } = await each.raw(text.replace(/\$\d+/g, '?'), [...parameters] as Knex.RawBinding[]);
      return { rows, rowCount: rowCount ?? 0 };
    },
  });
  const database: SqlDatabase<Knex.Transaction> = {
    dialect: postgres,
    service: 'billing',
    ...executor(db),
    within: executor,
    transaction: (work) => db.transaction(work, { isolationLevel: 'read committed' }),
  };
  return {
    database,
    addPayment: async (transaction, orderId, amount) => {
      await transaction('recipe_payment').insert({ order_id: orderId, amount });
    },
    close: () => db.destroy(),
  };
}
