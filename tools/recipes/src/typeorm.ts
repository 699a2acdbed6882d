import 'reflect-metadata';
import { postgres, type SqlDatabase, type SqlExecutor } from '@leveret/sql';
import { Column, DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm';
import type { Recipe } from './recipe.js';

@Entity('recipe_payment')
class Payment {
  @PrimaryColumn({ name: 'order_id', type: 'int' })
  orderId!: number;

  @Column({ type: 'int' })
  amount!: number;
}

export async function useTypeorm(url: string): Promise<Recipe<EntityManager>> {
  const source = await new DataSource({ type: 'postgres', url, entities: [Payment] }).initialize();
  const executor = (manager: EntityManager): SqlExecutor => ({
    query: async (text, parameters = []) => {
      const runner = manager.queryRunner ?? source.createQueryRunner();
      try {
        const { records, affected } = await runner.query(text, [...parameters], true);
        return { rows: records ?? [], rowCount: affected ?? records?.length ?? 0 };
      } finally {
        if (manager.queryRunner === undefined) await runner.release();
      }
    },
  });
  const database: SqlDatabase<EntityManager> = {
    dialect: postgres,
    service: 'billing',
    ...executor(source.manager),
    within: executor,
    transaction: (work) => source.transaction('READ COMMITTED', work),
  };
  return {
    database,
    addPayment: async (transaction, orderId, amount) => {
      await transaction.insert(Payment, { orderId, amount });
    },
    close: () => source.destroy(),
  };
}
