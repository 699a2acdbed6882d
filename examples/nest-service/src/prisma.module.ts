import { postgres, type SqlDatabase, type SqlExecutor } from '@leveret/sql';
import { Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import { OrderStore } from './database.js';
import { type Prisma, PrismaClient } from './generated/client.js';

type Transaction = Prisma.TransactionClient;

@Injectable()
export class PrismaOrderStore extends OrderStore<Transaction> implements OnApplicationShutdown {
  readonly database: SqlDatabase<Transaction>;
  private readonly prisma = new PrismaClient({
    adapter: new PrismaPg({ connectionString: process.env['DATABASE_URL'] as string }),
  });

  constructor() {
    super();
    const executor = (each: Transaction): SqlExecutor => ({
      query: async (text, parameters = []) => {
        if (!/^\s*(SELECT|WITH|SHOW)\b|\bRETURNING\b/i.test(text)) {
          return { rows: [], rowCount: await each.$executeRawUnsafe(text, ...parameters) };
        }
        const rows = await each.$queryRawUnsafe<Record<string, unknown>[]>(text, ...parameters);
        return { rows, rowCount: rows.length };
      },
    });
    this.database = {
      dialect: postgres,
      service: 'shop',
      ...executor(this.prisma),
      within: executor,
      // Prisma ends an interactive transaction after 5 s if nothing is said.
      transaction: (work) => this.prisma.$transaction(work, { isolationLevel: 'ReadCommitted', timeout: 60_000 }),
    };
  }

  async prepare(): Promise<void> {
    await this.prisma.$executeRawUnsafe(
      'CREATE TABLE IF NOT EXISTS shop_order (id int PRIMARY KEY, amount int NOT NULL, status int NOT NULL DEFAULT 0)',
    );
  }

  async insert(transaction: Transaction, id: number, amount: number): Promise<void> {
    await transaction.order.create({ data: { id, amount } });
  }

  async markPaid(transaction: Transaction, id: number): Promise<void> {
    await transaction.order.updateMany({ where: { id, status: 0 }, data: { status: 1 } });
  }

  find(id: number): Promise<{ id: number; amount: number; status: number } | null> {
    return this.prisma.order.findUnique({ where: { id } });
  }

  // Not in onModuleDestroy, as many do: Nest calls that while handlers are still at work.
  async onApplicationShutdown(): Promise<void> {
    await this.prisma.$disconnect();
  }
}

@Module({
  providers: [PrismaOrderStore, { provide: OrderStore, useExisting: PrismaOrderStore }],
  exports: [OrderStore],
})
export class PrismaModule {}
