import { postgres, type SqlDatabase, type SqlExecutor } from '@leveret/sql';
import { sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import pg from 'pg';
import type { Recipe } from './recipe.js';

const payments = pgTable('recipe_payment', {
  orderId: integer('order_id').primaryKey(),
  amount: integer('amount').notNull(),
});

type Tx = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0];

export async function useDrizzle(connectionString: string): Promise<Recipe<Tx>> {
  const pool = new pg.Pool({ connectionString });
  const db = drizzle({ client: pool });
  const executor = (each: Pick<NodePgDatabase, 'execute'>): SqlExecutor => ({
    query: async (text, parameters = []) => {
      const [first, ...rest] = text.split(/\$\d+/).map((part) => sql.raw(part));
      const query = sql.join([first, ...rest.flatMap((part, i) => [sql`${sql.param(parameters[i])}`, part])]);
      const { rows, rowCount } = await each.execute(query);
      return { rows, rowCount: rowCount ?? 0 };
    },
  });
  const database: SqlDatabase<Tx> = {
    dialect: postgres,
    service: 'billing',
    ...executor(db),
    within: executor,
    transaction: (work) => db.transaction(work, { isolationLevel: 'read committed' }),
  };
  return {
    database,
    addPayment: async (transaction, orderId, amount) => {
      await transaction.insert(payments).values({ orderId, amount });
    },
    close: () => pool.end(),
  };
}
