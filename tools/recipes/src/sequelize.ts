import { postgres, type SqlDatabase, type SqlExecutor } from '@leveret/sql';
import { DataTypes, Sequelize, Transaction } from 'sequelize';
import type { Recipe } from './recipe.js';

export async function useSequelize(url: string): Promise<Recipe<Transaction>> {
  const sequelize = new Sequelize(url, { dialect: 'postgres', logging: false });
  const Payment = sequelize.define(
    'Payment',
    { orderId: { type: DataTypes.INTEGER, primaryKey: true, field: 'order_id' }, amount: DataTypes.INTEGER },
    { tableName: 'recipe_payment', timestamps: false },
  );
  const executor = (transaction: Transaction | null): SqlExecutor => ({
    query: async (text, parameters = []) => {
      const [rows, found] = await sequelize.query(text, { bind: [...parameters], transaction });
      const { rowCount } = found as { rowCount?: number | null };
      return { rows: rows as Record<string, unknown>[], rowCount: rowCount ?? (rows as unknown[]).length };
    },
  });
  const database: SqlDatabase<Transaction> = {
    dialect: postgres,
    service: 'billing',
    ...executor(null),
    within: executor,
    transaction: (work) => sequelize.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.READ_COMMITTED }, work),
  };
  return {
    database,
    addPayment: async (transaction, orderId, amount) => {
      await Payment.create({ orderId, amount }, { transaction });
    },
    close: () => sequelize.close(),
  };
}
