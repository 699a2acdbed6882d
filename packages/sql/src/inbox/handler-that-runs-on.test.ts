import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { before, it } from 'mocha';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { rejection } from '../test-support/rejection.js';
import { TransactionalInbox } from './transactional-inbox.js';

/** What an attempt fails with at the end of its time, while its handler runs on. */
const timeout = () => new LeveretError('LEV_HANDLER_TIMEOUT', 'the handler ran longer than its timeout');

describeOnEachDatabase(
  'a handler that runs on after its timeout, in the inbox',
  (at) => {
    before(async () => {
      await at.database.query('CREATE TABLE bookings (id varchar(10) NOT NULL)');
    });
    const bookings = async () =>
      (await at.database.query('SELECT id FROM bookings ORDER BY id')).rows.map((row) => row['id']);
    const book = (tx: unknown, id: string) =>
      at.database.within(tx).query(`INSERT INTO bookings (id) VALUES ('${id}')`);

    it('writes nothing any more, neither by itself nor in the transaction of another message', async () => {
      const inbox = new TransactionalInbox(at.database);
      let timedOut: unknown;
      const fault = await rejection(
        inbox.run('orders', 'm1', async (tx) => {
          timedOut = tx;
          throw new Error('an interceptor says so', { cause: timeout() });
        }),
      );
      expect(fault).to.have.property('message', 'an interceptor says so');
      const again = await inbox.run('orders', 'm1', async (tx) => {
        await book(tx, 'in time');
        expect(await rejection(book(timedOut, 'late'))).to.be.instanceOf(Error);
      });
      expect(again).to.include({ kind: 'handled' });
      expect(await bookings()).to.deep.equal(['in time']);
    });

    it('does not go on behind the statement that took too long', async () => {
      const inbox = new TransactionalInbox(at.database);
      const sleep = at.kind.service === 'postgres' ? 'SELECT pg_sleep(0.5)' : 'SELECT SLEEP(0.5)';
      let late: Promise<unknown> = Promise.resolve();
      const fault = await rejection(
        inbox.run('orders', 'm2', async (tx) => {
          late = rejection(
            at.database
              .within(tx)
              .query(sleep)
              .then(() => book(tx, 'behind')),
          );
          throw timeout();
        }),
      );
      expect(fault).to.include({ code: 'LEV_HANDLER_TIMEOUT' });
      expect(await late).to.be.instanceOf(Error);
      expect(await bookings()).to.not.include('behind');
    });
  },
  // A transaction on SQLite is the only connection there is.
  ({ service }) => service !== undefined,
);
