import type { SqlDatabase } from '@leveret/sql';

/** What each recipe makes: the database as leveret uses it, and a statement of the application in its transaction. */
export interface Recipe<Tx> {
  readonly database: SqlDatabase<Tx>;
  /** What a handler does with `context.transaction`. */
  addPayment(transaction: Tx, orderId: number, amount: number): Promise<void>;
  close(): Promise<void>;
}
