import { type SqlDatabase, serviceOf } from '../database/sql-database.js';
import { idList, textLiteral } from '../database/sql-text.js';

const PAGE = 1_000;

const BY_NO_NAME = {
  postgres: '',
  mysql: ' FORCE INDEX (leveret_outbox_due)',
  sqlite: ' INDEXED BY leveret_outbox_unnamed',
} as const;

/** Takes over the rows from before services had names: they are published by whoever looks first. */
export async function adoptRows<Tx>(database: SqlDatabase<Tx>): Promise<void> {
  const { name } = database.dialect;
  const lock = name === 'sqlite' ? '' : ' FOR UPDATE SKIP LOCKED';
  const unnamed = `SELECT id FROM leveret_outbox${BY_NO_NAME[name]} WHERE service IS NULL LIMIT ${PAGE}${lock}`;
  const service = textLiteral(name, serviceOf(database));
  for (let adopted = PAGE; adopted === PAGE; ) {
    adopted = await database.transaction(async (tx) => {
      const executor = database.within(tx);
      const { rows } = await executor.query(unnamed);
      if (rows.length === 0) return 0;
      const ids = idList(rows.map((row) => Number(row['id'])));
      await executor.query(`UPDATE leveret_outbox SET service = ${service} WHERE id IN (${ids})`);
      return rows.length;
    });
  }
}
