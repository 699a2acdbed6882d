import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { before, it } from 'mocha';
import type { SqlDatabase } from '../database/sql-database.js';
import { Outbox } from '../outbox/outbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { rejection } from '../test-support/rejection.js';
import { TransactionalInbox } from './transactional-inbox.js';

/** What an attempt fails with at the end of its time, while its handler runs on. */
const timeout = () => new LeveretError('LEV_HANDLER_TIMEOUT', 'the handler ran longer than its timeout');

/** Something that a test ends. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

describeOnEachDatabase('a handler that runs on behind its result, in the inbox', (at) => {
  before(async () => {
    await at.database.query('CREATE TABLE bookings (id varchar(50) NOT NULL)');
  });
  const bookings = async () =>
    (await at.database.query('SELECT id FROM bookings ORDER BY id')).rows.map((row) => row['id']);
  const book = (tx: unknown, id: string) => at.database.within(tx).query(`INSERT INTO bookings (id) VALUES ('${id}')`);

  for (const [way, fault] of [
    ['its timeout', timeout()],
    ['the time limit of an interceptor', new Error('limit')],
    ['a branch of Promise.all that threw', new Error('no stock')],
  ] as const) {
    it(`writes nothing any more behind ${way}, neither by itself nor for another message`, async () => {
      const inbox = new TransactionalInbox(at.database);
      let over: unknown;
      const thrown = await rejection(
        inbox.run('orders', way, async (tx) => {
          over = tx;
          await book(tx, 'undone');
          throw fault;
        }),
      );
      expect(thrown).to.equal(fault);
      expect(await rejection(book(over, 'by itself'))).to.include({ code: 'LEV_ATTEMPT_OVER' });
      const again = await inbox.run('orders', way, async (tx) => {
        await book(tx, way);
        expect(await rejection(book(over, 'in another'))).to.include({ code: 'LEV_ATTEMPT_OVER' });
      });
      expect(again).to.include({ kind: 'handled' });
      await at.database.query(`DELETE FROM bookings WHERE id <> '${way}'`).then(({ rowCount }) => {
        expect(rowCount).to.equal(0);
      });
      await at.database.query('DELETE FROM bookings');
    });
  }

  it('writes nothing any more when it has returned without waiting', async () => {
    const inbox = new TransactionalInbox(at.database);
    const { passed, open } = gate();
    let late: Promise<unknown> = Promise.resolve();
    await inbox.run('orders', 'returned', async (tx) => {
      await book(tx, 'in time');
      late = rejection(passed.then(() => book(tx, 'late')));
    });
    open();
    expect(await late).to.include({ code: 'LEV_ATTEMPT_OVER' });
    expect(await bookings()).to.deep.equal(['in time']);
    await at.database.query('DELETE FROM bookings');
  });

  it('publishes nothing any more by an outbox', async () => {
    const outbox = new Outbox(at.database);
    let over: unknown;
    await rejection(
      new TransactionalInbox(at.database).run('orders', 'outbox', async (tx) => {
        over = tx;
        throw timeout();
      }),
    );
    expect(await rejection(outbox.publish(over, '', 'q', {}))).to.include({ code: 'LEV_ATTEMPT_OVER' });
    expect((await outbox.counts()).pending).to.equal(0);
  });

  it('undoes both branches when one of them throws while the other still writes', async () => {
    const inbox = new TransactionalInbox(at.database);
    const calls: Promise<unknown>[] = [];
    const attempt = async (tx: unknown, fails: boolean) => {
      const slow = (async () => {
        for (let n = 0; n < 20; n++) await book(tx, 'effect').then(() => new Promise((next) => setImmediate(next)));
      })();
      calls.push(slow.catch((error: unknown) => error));
      await Promise.all([slow, fails ? Promise.reject(new Error('branch')) : undefined]);
    };
    await rejection(inbox.run('orders', 'branches', (tx) => attempt(tx, true)));
    expect(await inbox.run('orders', 'branches', (tx) => attempt(tx, false))).to.include({ kind: 'handled' });
    await Promise.all(calls);
    expect(await bookings()).to.have.lengthOf(20);
    await at.database.query('DELETE FROM bookings');
  });

  it('keeps the transaction of a mapper, which leveret cannot end, until it has ended', async () => {
    const connections: string[] = [];
    const mapper: SqlDatabase<unknown> = {
      ...at.database,
      within: (tx) => at.database.within((tx as { inner: unknown }).inner),
      transaction: async (work) => {
        try {
          return await at.database.transaction((inner) => work({ inner, save: (id: string) => book(inner, id) }));
        } finally {
          connections.push('given back');
        }
      },
    };
    const inbox = new TransactionalInbox(mapper, { lockTimeout: 100 });
    const { passed, open } = gate();
    let saved: { save(id: string): Promise<unknown> } | undefined;
    const thrown = await rejection(
      inbox.run(
        'orders',
        'mapper',
        async (tx) => {
          saved = tx as typeof saved;
          await saved?.save('undone');
          throw timeout();
        },
        () => passed,
      ),
    );
    expect(thrown).to.include({ code: 'LEV_HANDLER_TIMEOUT' });
    expect(connections).to.deep.equal([]);
    expect(() => saved?.save('late'))
      .to.throw()
      .with.property('code', 'LEV_ATTEMPT_OVER');
    open();
    expect(await inbox.run('orders', 'mapper', () => 'second')).to.include({ kind: 'handled', value: 'second' });
    expect(connections).to.deep.equal(['given back', 'given back']);
    expect(await bookings()).to.deep.equal([]);
  });
});

describeOnEachDatabase(
  'a statement that still runs at the result, in the inbox',
  (at) => {
    before(async () => {
      await at.database.query('CREATE TABLE bookings (id varchar(50) NOT NULL)');
    });

    it('is not gone on behind', async () => {
      const inbox = new TransactionalInbox(at.database);
      const sleep = at.kind.service === 'postgres' ? 'SELECT pg_sleep(0.5)' : 'SELECT SLEEP(0.5)';
      let late: Promise<unknown> = Promise.resolve();
      const began = performance.now();
      const fault = await rejection(
        inbox.run('orders', 'm2', async (tx) => {
          late = rejection(
            at.database
              .within(tx)
              .query(sleep)
              .then(() => at.database.within(tx).query(`INSERT INTO bookings (id) VALUES ('behind')`)),
          );
          throw timeout();
        }),
      );
      expect(fault).to.include({ code: 'LEV_HANDLER_TIMEOUT' });
      expect(performance.now() - began).to.be.lessThan(450);
      expect(await late).to.be.instanceOf(Error);
      expect((await at.database.query('SELECT id FROM bookings')).rows).to.deep.equal([]);
    });
  },
  // A statement on SQLite has ended when its call returns.
  ({ service }) => service !== undefined,
);
