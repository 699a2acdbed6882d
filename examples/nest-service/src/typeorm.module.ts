import { postgres, type SqlDatabase, type SqlExecutor } from '@leveret/sql';
import { Injectable, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Column, DataSource, Entity, EntityManager, PrimaryColumn } from 'typeorm';
import { OrderStore } from './database.js';

@Entity('shop_order')
export class OrderEntity {
  @PrimaryColumn({ type: 'int' })
  id!: number;

  @Column({ type: 'int' })
  amount!: number;

  @Column({ type: 'int', default: 0 })
  status!: number;
}

@Injectable()
export class TypeormOrderStore extends OrderStore<EntityManager> {
  readonly database: SqlDatabase<EntityManager>;

  constructor(private readonly source: DataSource) {
    super();
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
    this.database = {
      dialect: postgres,
      service: 'shop',
      ...executor(source.manager),
      within: executor,
      transaction: (work) => source.transaction('READ COMMITTED', work),
    };
  }

  async prepare(): Promise<void> {
    await this.source.synchronize();
  }

  async insert(transaction: EntityManager, id: number, amount: number): Promise<void> {
    await transaction.insert(OrderEntity, { id, amount });
  }

  async markPaid(transaction: EntityManager, id: number): Promise<void> {
    await transaction.update(OrderEntity, { id, status: 0 }, { status: 1 });
  }

  find(id: number): Promise<OrderEntity | null> {
    return this.source.manager.findOneBy(OrderEntity, { id });
  }
}

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      useFactory: () => ({ type: 'postgres', url: process.env['DATABASE_URL'], entities: [OrderEntity] }),
    }),
  ],
  providers: [TypeormOrderStore, { provide: OrderStore, useExisting: TypeormOrderStore }],
  exports: [OrderStore],
})
export class TypeormModule {}
