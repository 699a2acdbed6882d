import { Outbox } from '@leveret/sql';
import { names, Payment, PayRefunded, PaySucceeded } from '@leveret-examples/contracts';
import { HttpError, type ServiceDatabase } from '@leveret-examples/service-kit';

export const TABLES = [
  `CREATE TABLE IF NOT EXISTS payments (
     order_id bigint PRIMARY KEY, amount integer NOT NULL, status varchar(10) NOT NULL, paid_at varchar(30) NOT NULL
   )`,
];

/** Payments and the messages about them: both are committed, or neither is. */
export class Payments {
  readonly #database: ServiceDatabase;
  readonly #outbox: Outbox<unknown>;
  readonly #onCommit: () => void;

  /** @param onCommit told behind each commit, so that messages need not wait until the outbox is looked at */
  constructor(database: ServiceDatabase, onCommit: () => void) {
    this.#database = database;
    this.#outbox = new Outbox(database.sql);
    this.#onCommit = onCommit;
  }

  /** Takes the payment of an order, once: who asks again gets the payment that was made. */
  async pay(orderId: number, amount: number): Promise<Payment> {
    const paidAt = new Date().toISOString();
    await this.#commit(async (transaction) => {
      const { rowCount } = await this.#database.run(
        "INSERT INTO payments VALUES (?, ?, 'paid', ?) ON CONFLICT DO NOTHING",
        [orderId, amount, paidAt],
        transaction,
      );
      if (rowCount === 0) return;
      const message = new PaySucceeded(orderId, paidAt);
      await this.#outbox.publish(transaction, names.payExchange, 'pay.success', message, inOrder(orderId));
    });
    return this.find(orderId);
  }

  /** Pays back, once. */
  async refund(orderId: number, reason: string): Promise<Payment> {
    const { amount } = await this.find(orderId);
    await this.#commit(async (transaction) => {
      const { rowCount } = await this.#database.run(
        "UPDATE payments SET status = 'refunded' WHERE order_id = ? AND status = 'paid'",
        [orderId],
        transaction,
      );
      if (rowCount === 0) return;
      const message = new PayRefunded(orderId, amount, reason);
      await this.#outbox.publish(transaction, names.payExchange, 'pay.refunded', message, inOrder(orderId));
    });
    return this.find(orderId);
  }

  /** @throws {HttpError} 404 when the order has not been paid */
  async find(orderId: number): Promise<Payment> {
    const { rows } = await this.#database.run('SELECT * FROM payments WHERE order_id = ?', [orderId]);
    const row = rows[0];
    if (row === undefined) throw new HttpError(404, `order ${orderId} has not been paid`);
    return new Payment(orderId, Number(row['amount']), row['status'] as Payment['status'], String(row['paid_at']));
  }

  async #commit(work: (transaction: unknown) => Promise<void>): Promise<void> {
    await this.#database.sql.transaction(work);
    this.#onCommit();
  }
}

/** A refund is published behind its payment. */
function inOrder(orderId: number) {
  return { orderKey: `order-${orderId}` };
}
