import { postgres, type SqlDatabase, type SqlExecutor } from '@leveret/sql';
import { PrismaPg } from '@prisma/adapter-pg';
import { type Prisma, PrismaClient } from './generated/client.js';
import type { Recipe } from './recipe.js';

export async function usePrisma(connectionString: string): Promise<Recipe<Prisma.TransactionClient>> {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString }) });
  const executor = (each: Prisma.TransactionClient): SqlExecutor => ({
    query: async (text, parameters = []) => {
      if (!/^\s*(SELECT|WITH|SHOW)\b|\bRETURNING\b/i.test(text)) {
        return { rows: [], rowCount: await each.$executeRawUnsafe(text, ...parameters) };
      }
      const rows = await each.$queryRawUnsafe<Record<string, unknown>[]>(text, ...parameters);
      return { rows, rowCount: rows.length };
    },
  });
  const database: SqlDatabase<Prisma.TransactionClient> = {
    dialect: postgres,
    service: 'billing',
    ...executor(prisma),
    within: executor,
    // Prisma ends an interactive transaction after 5 s if nothing is said.
    transaction: (work) => prisma.$transaction(work, { isolationLevel: 'ReadCommitted', timeout: 60_000 }),
  };
  return {
    database,
    addPayment: async (transaction, orderId, amount) => {
      await transaction.payment.create({ data: { orderId, amount } });
    },
    close: () => prisma.$disconnect(),
  };
}
