import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, silentLogger, systemClock } from '@leveret/core';
import { expect } from 'chai';
import fc from 'fast-check';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import type { SqlDatabase } from './database/sql-database.js';
import { type SqliteConnection, sqliteDatabase } from './database/sqlite-database.js';
import { TransactionalInbox } from './inbox/transactional-inbox.js';
import { Outbox } from './outbox/outbox.js';
import { OutboxRelay } from './relay/outbox-relay.js';
import { migrate } from './schema/migrate.js';
import { eventually } from './test-support/eventually.js';
import { FakeSender } from './test-support/fake-sender.js';
import { rejection } from './test-support/rejection.js';

/** A connection that remembers how transactions ended, and fails as it is told. */
class Watched implements SqliteConnection {
  readonly driver: Libsql.Database;
  readonly ends: string[] = [];
  onCommit: () => void = () => {};

  constructor(file: string) {
    this.driver = new Libsql(file);
    this.driver.exec('PRAGMA journal_mode = WAL');
  }

  prepare(text: string) {
    return this.driver.prepare(text);
  }

  exec(text: string): void {
    // One that is alone has its transaction begin with a savepoint: its end is the commit.
    const commits = text === 'COMMIT' || text === 'RELEASE leveret';
    if (commits) this.onCommit();
    this.driver.exec(text);
    if (commits) this.ends.push('COMMIT');
    else if (/^ROLLBACK(?! TO)/.test(text)) this.ends.push(text);
  }
}

describe('when messages of SQLite share a commit', () => {
  let folder: string;
  let connection: Watched;
  let database: SqlDatabase<Watched>;
  let inbox: TransactionalInbox<Watched>;
  let other: Libsql.Database;
  /** What the process takes for the time: a busy machine makes nobody slow. */
  let time: sinon.SinonStub<[], number>;
  let passed = 0;

  beforeEach(async () => {
    passed = 0;
    time = sinon.stub(performance, 'now').callsFake(() => passed);
    folder = mkdtempSync(join(tmpdir(), 'leveret-shared-'));
    connection = new Watched(join(folder, 'test.db'));
    database = sqliteDatabase(connection, { service: 'test' });
    await migrate(database);
    connection.exec('PRAGMA foreign_keys = ON');
    connection.exec('CREATE TABLE accounts (id TEXT PRIMARY KEY)');
    connection.exec(
      `CREATE TABLE bookings (id TEXT NOT NULL, account TEXT REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED)`,
    );
    other = new Libsql(join(folder, 'test.db'));
    inbox = new TransactionalInbox(database);
    // From now on it knows that there are no rows of before services had names.
    await inbox.run('orders', 'first', () => {});
    connection.ends.length = 0;
  });
  afterEach(() => {
    time.restore();
    connection.driver.close();
    other.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const book = (tx: Watched, id: string, account: string | null = null) =>
    database.within(tx).query('INSERT INTO bookings (id, account) VALUES (?, ?)', [id, account]);
  const run = (id: string, after: (tx: Watched) => unknown = () => {}) =>
    inbox.run('orders', id, async (tx) => {
      await book(tx as Watched, id);
      await after(tx as Watched);
      return id;
    });
  /** As another process sees it: what is committed. */
  const committed = () =>
    other
      .prepare('SELECT id FROM bookings ORDER BY rowid')
      .all()
      .map((row) => (row as { id: string }).id);
  const names = (count: number) => Array.from({ length: count }, (_, n) => `m${n}`);

  it('commits those that wait for their turn together, and gives each its result', async () => {
    const results = await Promise.all(names(10).map((id) => run(id)));
    expect(results.map((result) => result.kind === 'handled' && result.value)).to.deep.equal(names(10));
    expect(connection.ends).to.deep.equal(['COMMIT']);
    expect(committed()).to.deep.equal(names(10));
  });

  it('commits one that is alone as ever', async () => {
    expect(await run('alone')).to.include({ kind: 'handled' });
    expect(connection.ends).to.deep.equal(['COMMIT']);
  });

  it('gives no result before all are committed', async () => {
    const told: string[] = [];
    connection.onCommit = () => told.push('commit');
    await Promise.all(names(5).map((id) => run(id).then(() => told.push(id))));
    expect(told).to.deep.equal(['commit', ...names(5)]);
  });

  for (const guilty of ['m0', 'm2', 'm4']) {
    it(`undoes ${guilty}, which threw, and nothing of the others`, async () => {
      const fault = new Error('no stock');
      const results = await Promise.allSettled(
        names(5).map((id) =>
          run(id, () => {
            if (id === guilty) throw fault;
          }),
        ),
      );
      const others = names(5).filter((id) => id !== guilty);
      expect(results.map(({ status }) => status === 'fulfilled')).to.deep.equal(names(5).map((id) => id !== guilty));
      expect(results.find(({ status }) => status === 'rejected')).to.include({ reason: fault });
      expect(committed()).to.deep.equal(others);
      expect(await run(guilty)).to.include({ kind: 'handled' });
    });
  }

  it('handles a message once that comes twice at the same time', async () => {
    const results = await Promise.all(['twice', 'twice', 'other'].map((id) => run(id)));
    expect(results.map(({ kind }) => kind)).to.deep.equal(['handled', 'duplicate', 'handled']);
    expect(committed()).to.deep.equal(['twice', 'other']);
  });

  for (const end of ['ROLLBACK', 'COMMIT', 'ROLLBACK; BEGIN', 'COMMIT; BEGIN']) {
    it(`has the others take effect once when one of them says ${end}`, async () => {
      const results = await Promise.allSettled(
        names(6).map((id) => run(id, (tx) => (id === 'm3' ? tx.exec(end) : undefined))),
      );
      const kinds = results.map((result) => (result.status === 'fulfilled' ? result.value.kind : 'failed'));
      expect(kinds[3]).to.equal('failed');
      // Those before it were committed by it, if they were, and are found handled then.
      const before = end.startsWith('COMMIT') ? 'duplicate' : 'handled';
      expect(kinds.filter((_, n) => n !== 3)).to.deep.equal([before, before, before, 'handled', 'handled']);
      for (const id of names(6).filter((each) => each !== 'm3')) {
        expect(
          committed().filter((each) => each === id),
          id,
        ).to.have.lengthOf(1);
      }
      expect(connection.driver.inTransaction).to.equal(false);
    });
  }

  it('tries each by itself when their commit fails, so that only the guilty one fails', async () => {
    const results = await Promise.allSettled(
      names(5).map((id) => run(id, (tx) => (id === 'm1' ? book(tx, 'of nobody', 'nobody') : undefined))),
    );
    expect(results.map(({ status }) => status === 'fulfilled')).to.deep.equal([true, false, true, true, true]);
    expect((results[1] as PromiseRejectedResult).reason).to.include({ code: 'LEV_INBOX_COMMIT' });
    expect(committed()).to.have.members(['m0', 'm2', 'm3', 'm4']);
    expect(connection.driver.inTransaction).to.equal(false);
  });

  it('tells one that was alone why its commit failed, and does not try again', async () => {
    const fault = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' });
    connection.onCommit = () => {
      throw fault;
    };
    const told = await rejection(run('alone'));
    expect(told).to.include({ code: 'LEV_INBOX_COMMIT', cause: fault });
    expect(connection.ends).to.deep.equal(['ROLLBACK']);
    connection.onCommit = () => {};
    expect(await run('alone')).to.include({ kind: 'handled' });
  });

  it('finds those handled whose commit arrived although its answer was lost', async () => {
    connection.onCommit = () => {
      connection.onCommit = () => {};
      connection.driver.exec('COMMIT');
    };
    const results = await Promise.all(names(3).map((id) => run(id)));
    expect(results.map(({ kind }) => kind)).to.deep.equal(['duplicate', 'duplicate', 'duplicate']);
    expect(committed()).to.deep.equal(names(3));
  });

  it('waits for no handler that takes its time: what was done before is committed first', async () => {
    const order: string[] = [];
    const slow = run('slow', () => {
      passed += 1;
    }).then(() => order.push('slow'));
    const next = run('next', () => {
      order.push(...committed());
    }).then(() => order.push('next'));
    await Promise.all([slow, next]);
    expect(order).to.deep.equal(['slow', 'slow', 'next']);
  });

  it('lets no more than 64 share one', async () => {
    await Promise.all(names(130).map((id) => run(id)));
    expect(connection.ends).to.deep.equal(['COMMIT', 'COMMIT', 'COMMIT']);
  });

  it('lets nobody join 5 ms behind its begin', async () => {
    const late = (id: string) =>
      run(id, () => {
        passed += 0.9;
      });
    await Promise.all(names(9).map(late));
    expect(connection.ends).to.deep.equal(['COMMIT', 'COMMIT']);
  });

  it('commits before a transaction or a statement of somebody else has its turn', async () => {
    const seen: (readonly string[])[] = [];
    const look = async () => void seen.push(committed());
    const behind: Promise<unknown>[] = [];
    await run('m0', () => {
      behind.push(database.transaction(look));
      behind.push(run('m1', () => behind.push(database.query('SELECT 1').then(look), run('m2'))));
    });
    await Promise.all(behind);
    await Promise.all(behind);
    expect(seen).to.deep.equal([['m0'], ['m0', 'm1']]);
  });

  it('undoes what is written by one that runs on behind its result', async () => {
    let late: Promise<unknown> = Promise.resolve();
    const fault = new Error('one branch failed');
    const results = await Promise.allSettled([
      run('m0'),
      run('m1', (tx) => {
        late = rejection(pause(systemClock, 5).then(() => book(tx, 'late')));
        throw fault;
      }),
      run('m2'),
    ]);
    expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled']);
    expect(await late).to.include({ code: 'LEV_ATTEMPT_OVER' });
    expect(committed()).to.deep.equal(['m0', 'm2']);
  });

  describe('and a relay beside them', () => {
    const sender = new FakeSender();
    const relaying = async (count: number, during: () => unknown = () => {}) => {
      const outbox = new Outbox(database);
      await database.transaction(async (tx) => {
        for (const id of names(count)) await outbox.publish(tx, 'e', 'k', id);
      });
      connection.ends.length = 0;
      sender.sent.length = 0;
      const relay = new OutboxRelay(database, sender, { batchSize: 10, retention: false, logger: silentLogger });
      relay.start();
      await during();
      await eventually('all is written down', () => {
        return other.prepare('SELECT id FROM leveret_outbox').all().length === 0;
      });
      await relay.stop();
      return relay.stats;
    };

    it('writes down what was confirmed in the commit of its next lease', async () => {
      await relaying(30);
      expect(sender.bodies).to.deep.equal(names(30));
      // Two looks around, the first lease and a last one that finds nothing; three settlements, each with a lease but for one behind
      // which a turn of the event loop is waited for. Each by itself they would be ten.
      expect(connection.ends.filter((end) => end === 'COMMIT')).to.have.lengthOf.at.most(8);
    });

    it('does both again, each by itself, when that commit fails', async () => {
      let commits = 0;
      connection.onCommit = () => {
        // Behind that of the messages, of two looks around, and of the first lease.
        if (++commits === 5) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' });
      };
      const { lostLeases, databaseErrors } = await relaying(30);
      expect(sender.bodies).to.deep.equal(names(30));
      expect({ lostLeases, databaseErrors }).to.deep.equal({ lostLeases: 0, databaseErrors: 0 });
      expect(connection.ends).to.include('ROLLBACK');
    });

    it('has messages take effect once beside it, and sends once what they publish', async () => {
      const outbox = new Outbox(database);
      const results: { readonly kind: string }[] = [];
      await relaying(30, async () => {
        for (let n = 0; n < 10; n++) {
          results.push(
            ...(await Promise.all(
              names(5).map((id) => run(`${n}-${id}`, (tx) => outbox.publish(tx, 'e', 'k', `${n}-${id}`))),
            )),
          );
        }
      });
      expect(results.filter(({ kind }) => kind === 'handled')).to.have.lengthOf(50);
      expect(committed()).to.have.lengthOf(50);
      expect(new Set(sender.bodies)).to.have.property('size', 80);
      expect(sender.bodies).to.have.lengthOf(80);
    });
  });

  it('has each message take effect once, whatever their handlers do', async function () {
    this.timeout(60_000);
    const ways = [
      'well',
      'throws',
      'slow',
      'swallows',
      'rolls back',
      'commits',
      'begins anew',
      'breaks a rule',
    ] as const;
    const act = async (way: (typeof ways)[number], tx: Watched, id: string): Promise<void> => {
      switch (way) {
        case 'well':
          return;
        case 'throws':
          throw new Error('no stock');
        case 'slow':
          return void (await pause(systemClock, 2));
        case 'swallows':
          return void (await database
            .within(tx)
            .query('INSERT INTO missing VALUES (1)')
            .catch(() => {}));
        case 'rolls back':
          return tx.exec('ROLLBACK');
        case 'commits':
          return tx.exec('COMMIT');
        case 'begins anew':
          return tx.exec('ROLLBACK; BEGIN');
        case 'breaks a rule':
          return void (await book(tx, `${id} of nobody`, 'nobody'));
        default:
          way satisfies never;
      }
    };
    let draw = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), fc.constantFrom(...ways)), { maxLength: 12 }),
        async (messages) => {
          const prefix = `${draw++} `;
          const faulty = new Set(messages.filter(([, way]) => way !== 'well' && way !== 'slow').map(([id]) => id));
          const results = await Promise.allSettled(
            messages.map(([id, way]) => run(prefix + id, (tx) => act(way, tx, prefix + id))),
          );
          expect(connection.driver.inTransaction).to.equal(false);
          const effects = committed().filter((id) => id.startsWith(prefix));
          const rows = other.prepare(`SELECT message_id FROM leveret_inbox WHERE message_id LIKE '${prefix}%'`).all();
          // What is remembered has taken effect, once, and nothing else has.
          expect([...effects].sort()).to.deep.equal(
            rows.map((row) => (row as { message_id: string }).message_id).sort(),
          );
          messages.forEach(([id], n) => {
            const result = results[n];
            if (result?.status === 'fulfilled') expect(effects, id).to.include(prefix + id);
            else if (!faulty.has(id)) expect.fail(`${id} failed: ${String(result?.reason)}`);
          });
        },
      ),
      { numRuns: 150, endOnFailure: true },
    );
  });
});
