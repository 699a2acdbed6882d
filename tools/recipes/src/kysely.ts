import { postgres, type SqlDatabase, type SqlExecutor } from '@leveret/sql';
import { CompiledQuery, Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import type { Recipe } from './recipe.js';

interface Tables {
  recipe_payment: { order_id: number; amount: number };
}

export async function useKysely(connectionString: string): Promise<Recipe<Transaction<Tables>>> {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString }) }) });
  const executor = (each: Kysely<Tables>): SqlExecutor => ({
    query: async (text, parameters = []) => {
      const query = CompiledQuery.raw(text, [...parameters]);
      const { rows, numAffectedRows } = await each.executeQuery<Record<string, unknown>>(query);
      return { rows, rowCount: Number(numAffectedRows ?? rows.length) };
    },
  });
  const database: SqlDatabase<Transaction<Tables>> = {
    dialect: postgres,
    service: 'billing',
    ...executor(db),
    within: executor,
    transaction: (work) => db.transaction().setIsolationLevel('read committed').execute(work),
  };
  return {
    database,
    addPayment: async (transaction, orderId, amount) => {
      await transaction.insertInto('recipe_payment').values({ order_id: orderId, amount }).execute();
    },
    close: () => db.destroy(),
  };
}
