import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { it } from 'mocha';
import type { SqlDatabase, SqlExecutor } from '../database/sql-database.js';
import { Outbox } from '../outbox/outbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { RelayRows } from './relay-rows.js';

/** The subquery of a statement that locks, as it is when rows behind `id` are committed while the statement runs. */
const asOf = (text: string, id: number) =>
  text.includes('FOR UPDATE') ? text.replace('e.id < o.id', `e.id < o.id AND e.id <= ${id}`) : text;

function seeingUpTo(database: SqlDatabase<unknown>, id: number): SqlDatabase<unknown> {
  const old = (executor: SqlExecutor): SqlExecutor => ({
    query: (text, parameters) => executor.query(asOf(text, id), parameters),
  });
  return {
    service: database.service,
    dialect: database.dialect,
    ...old(database),
    within: (tx) => old(database.within(tx)),
    transaction: (work) => database.transaction(work),
  };
}

describeOnEachDatabase(
  'leasing rows of an order key that are committed meanwhile',
  (at) => {
    it('takes only the first, and none when the first was overlooked', async () => {
      const outbox = new Outbox(at.database);
      const put = (body: string, options = {}) =>
        at.database.transaction((tx) => outbox.publish(tx, 'e', 'k', body, options));
      await put('loose');
      for (const body of ['a1', 'a2']) await put(body, { orderKey: 'a' });
      for (const body of ['b1', 'b2']) await put(body, { orderKey: 'b' });
      await at.database.query('UPDATE leveret_outbox SET available_at = available_at + 60000 WHERE id = 4');
      const rows = new RelayRows(seeingUpTo(at.database, 1));
      const leased = await rows.lease(randomUUID(), 30_000, 100);
      expect(leased.map((row) => Number(row['id']))).to.deep.equal([1, 2]);
    });
  },
  ({ service }) => service === 'mariadb',
);
