import type { SqlDatabase } from '@leveret/sql';

/** What the service knows the database by: the inbox and the outbox write with it, in the transaction of the mapper. */
export const DATABASE = Symbol('database');

/** The orders, in a transaction of the mapper. */
export abstract class OrderStore<Transaction = unknown> {
  abstract readonly database: SqlDatabase<Transaction>;
  /** Makes the table, as a migration of the service would. */
  abstract prepare(): Promise<void>;
  abstract insert(transaction: Transaction, id: number, amount: number): Promise<void>;
  abstract markPaid(transaction: Transaction, id: number): Promise<void>;
  abstract find(id: number): Promise<{ id: number; amount: number; status: number } | null>;
}
