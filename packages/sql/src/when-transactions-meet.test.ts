import { expect } from 'chai';
import { before, it } from 'mocha';
import { TransactionalInbox } from './inbox/transactional-inbox.js';
import { describeOnEachDatabase } from './test-support/each-database.js';

describeOnEachDatabase(
  'when transactions meet,',
  (at) => {
    before(async () => {
      await at.database.query('CREATE TABLE accounts (id int PRIMARY KEY, amount int NOT NULL)');
      await at.database.query('INSERT INTO accounts VALUES (1, 0), (2, 0), (3, 0)');
    });

    /** PostgreSQL looks for deadlocks each second: the connections that come look more often. */
    const impatient = async () => {
      if (at.kind.service !== 'postgres') return at.database;
      const name = new URL(at.url).pathname.slice(1);
      await at.database.query(`ALTER DATABASE ${name} SET deadlock_timeout = '20ms'`);
      return at.open();
    };

    it('12 at a time are each handled within one attempt, whatever deadlocks', async () => {
      const database = await impatient();
      const inbox = new TransactionalInbox(database);
      let calls = 0;
      const transfer = (n: number) =>
        inbox.run('transfers', `m-${n}`, async (tx) => {
          calls++;
          const accounts = [1, 2, 3].map((id) => ((id + n) % 3) + 1);
          for (const id of n % 2 === 0 ? accounts : accounts.reverse()) {
            await database.within(tx).query(`UPDATE accounts SET amount = amount + 1 WHERE id = ${id}`);
            await new Promise((resolve) => setImmediate(resolve));
          }
        });
      const results = await Promise.all(Array.from({ length: 12 }, (_, n) => n).map(transfer));
      expect(new Set(results.map(({ kind }) => kind))).to.deep.equal(new Set(['handled']));
      const { rows } = await at.database.query('SELECT amount FROM accounts');
      expect(rows.map(({ amount }) => Number(amount))).to.deep.equal([12, 12, 12]);
      expect(calls, 'there was no deadlock to bear').to.be.greaterThan(12);
    });
  },
  ({ service }) => service !== undefined,
);
