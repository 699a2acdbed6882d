import type { ServiceDatabase } from '@leveret-examples/service-kit';
import { inject, injectable } from 'inversify';
import { DATABASE } from './tokens.js';

/** Status of an order, as the seed's table has it, and one more. */
export const UNPAID = 1;
export const PAID = 2;
export const REFUNDED = 3;

export const TABLES = [
  `CREATE TABLE IF NOT EXISTS orders (
     id bigint PRIMARY KEY, status integer NOT NULL, pay_time varchar(30), changes integer NOT NULL, changed_by varchar(10)
   )`,
];

/** An order, for whoever asks. */
export interface Order {
  readonly id: number;
  readonly status: 'unpaid' | 'paid' | 'refunded';
  readonly paidAt: string | undefined;
  /** How often its status has changed. */
  readonly changes: number;
  /** What the last change came of. */
  readonly changedBy: string | undefined;
}

const STATUS = { [UNPAID]: 'unpaid', [PAID]: 'paid', [REFUNDED]: 'refunded' } as const;

/** The orders. Every change tests what it changes in one statement, so that it does not matter how often news comes. */
@injectable('Singleton')
export class OrderBook {
  constructor(@inject(DATABASE) private readonly database: ServiceDatabase) {}

  /** Adds an order that nobody has paid. */
  async add(id: number): Promise<void> {
    await this.database.run(`INSERT INTO orders VALUES (?, ${UNPAID}, NULL, 0, NULL) ON CONFLICT DO NOTHING`, [id]);
  }

  /**
   * Marks an order as paid if it waits for that: one that was refunded meanwhile stays so.
   * @returns whether a row was changed
   */
  async markPaid(id: number, paidAt: string, by: 'message' | 'poll', transaction?: unknown): Promise<boolean> {
    const { rowCount } = await this.database.run(
      `UPDATE orders SET status = ${PAID}, pay_time = ?, changes = changes + 1, changed_by = ? WHERE id = ? AND status = ${UNPAID}`,
      [paidAt, by, id],
      transaction,
    );
    return rowCount === 1;
  }

  /** Marks an order as refunded, be the news of its payment here or still on the way. */
  async markRefunded(id: number, by: 'message' | 'poll', transaction?: unknown): Promise<boolean> {
    const { rowCount } = await this.database.run(
      `UPDATE orders SET status = ${REFUNDED}, changes = changes + 1, changed_by = ? WHERE id = ? AND status IN (${UNPAID}, ${PAID})`,
      [by, id],
      transaction,
    );
    return rowCount === 1;
  }

  async find(id: number, transaction?: unknown): Promise<Order | undefined> {
    const { rows } = await this.database.run('SELECT * FROM orders WHERE id = ?', [id], transaction);
    const row = rows[0];
    if (row === undefined) return undefined;
    return {
      id,
      status: STATUS[Number(row['status']) as keyof typeof STATUS],
      paidAt: text(row['pay_time']),
      changes: Number(row['changes']),
      changedBy: text(row['changed_by']),
    };
  }

  /** Orders that nobody has paid, as far as is known here; the oldest hundred. */
  async unpaid(): Promise<readonly number[]> {
    const { rows } = await this.database.run(`SELECT id FROM orders WHERE status = ${UNPAID} ORDER BY id LIMIT 100`);
    return rows.map((row) => Number(row['id']));
  }
}

function text(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}
