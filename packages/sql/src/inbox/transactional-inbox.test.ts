import { type GuardedAttempt, type GuardedResult, LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { before, beforeEach, describe, it } from 'mocha';
import type { SqlDatabase, SqlResult } from '../database/sql-database.js';
import { mysql, postgres, sqlite } from '../database/sql-dialect.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { recordingDatabase } from '../test-support/recording-database.js';
import { rejection } from '../test-support/rejection.js';
import { waitsOf } from '../test-support/waits.js';
import { INSERT_ONCE } from './insert-once.js';
import { TransactionalInbox, type TransactionalInboxOptions } from './transactional-inbox.js';

describeOnEachDatabase('TransactionalInbox', (at) => {
  let count = 0;
  let messageId: string;
  before(async () => {
    await at.database.query('CREATE TABLE effects (listener varchar(300), message_id varchar(300))');
    await at.database.query('CREATE TABLE pairs (id int PRIMARY KEY, total int)');
    await at.database.query('INSERT INTO pairs VALUES (1, 0), (2, 0)');
  });
  beforeEach(() => {
    messageId = `m${++count}`;
  });

  const { placeholders } = postgres;
  const text = (statement: string) => (at.database.dialect.name === 'postgres' ? placeholders(statement) : statement);
  const effect =
    (database: SqlDatabase<unknown>, listener = 'orders'): GuardedAttempt =>
    async (tx) => {
      await database.within(tx).query(text('INSERT INTO effects VALUES (?, ?)'), [listener, messageId]);
      return 'done';
    };
  const effects = async (id = messageId) => {
    const { rows } = await at.database.query(text('SELECT count(*) AS n FROM effects WHERE message_id = ?'), [id]);
    return Number(rows[0]?.['n']);
  };
  const instance = (options?: TransactionalInboxOptions) => {
    const database = at.open();
    const inbox = new TransactionalInbox(database, options);
    return {
      database,
      run: (attempt: GuardedAttempt = effect(database), listener = 'orders'): Promise<GuardedResult> =>
        inbox.run(listener, messageId, attempt),
    };
  };

  it('handles a message once for each listener, in a transaction that its handler gets', async () => {
    const { run, database } = instance();
    expect(await run()).to.deep.equal({ kind: 'handled', value: 'done', remembered: true });
    expect(await run()).to.deep.equal({ kind: 'duplicate' });
    expect(await run(effect(database, 'mails'), 'mails')).to.include({ kind: 'handled' });
    expect(await run(effect(database, 'mails'), 'mails')).to.deep.equal({ kind: 'duplicate' });
    expect(await effects()).to.equal(2);
  });

  it('keeps keys apart that differ in case, a trailing space or their end', async () => {
    const { run } = instance();
    const long = 'x'.repeat(400);
    for (const id of ['Ä', 'ä', 'a', 'A', 'a ', `${long}1`, `${long}2`, '\0', '\0\0', '日本']) {
      messageId = id;
      expect(await run(() => 1), JSON.stringify(id)).to.include({ kind: 'handled' });
      expect(await run(() => 1), JSON.stringify(id)).to.include({ kind: 'duplicate' });
    }
  });

  it('undoes everything when the handler throws, and throws the same error on', async () => {
    const { run, database } = instance();
    const fault = new Error('no stock');
    const thrown = await rejection(
      run(async (tx, lost) => {
        await effect(database)(tx, lost);
        throw fault;
      }),
    );
    expect(thrown).to.equal(fault);
    expect(await effects()).to.equal(0);
    expect(await run()).to.include({ kind: 'handled' });
    expect(await effects()).to.equal(1);
  });

  it('calls back behind each commit, and only then', async () => {
    let commits = 0;
    const { run } = instance({ onCommit: () => commits++ });
    await rejection(
      run(() => {
        throw new Error('no stock');
      }),
    );
    expect(commits).to.equal(0);
    await run();
    await run();
    expect(commits).to.equal(1);
  });

  it('has handled the message whatever the callback behind the commit throws', async () => {
    const { run } = instance({
      onCommit: () => {
        throw new Error('nobody to wake');
      },
    });
    expect(await run()).to.include({ kind: 'handled' });
  });

  for (const [ending, expected] of [
    ['commits', { kinds: 'handled,duplicate', called: 1 }],
    ['rolls back', { kinds: 'failed,handled', called: 2 }],
  ] as const) {
    it(`lets a duplicate wait until the first ${ending}, then decide`, async () => {
      const [first, second] = [instance({ lockTimeout: '10s' }), instance({ lockTimeout: '10s' })];
      let called = 0;
      let end: (() => void) | undefined;
      const held: GuardedAttempt = async (tx, lost) => {
        called++;
        await effect(first.database)(tx, lost);
        await new Promise<void>((resolve) => {
          end = resolve;
        });
        if (ending === 'rolls back') throw new Error('no stock');
      };
      const one = first.run(held).catch(() => ({ kind: 'failed' }));
      await eventually('the first holds the message', () => end !== undefined);
      const two = second.run(async (tx, lost) => {
        called++;
        return effect(second.database)(tx, lost);
      });
      end?.();
      expect((await Promise.all([one, two])).map(({ kind }) => kind).join()).to.equal(expected.kinds);
      expect(called).to.equal(expected.called);
      expect(await effects()).to.equal(1);
    });
  }

  it('gives one of ten concurrent duplicates to the handler', async () => {
    const instances = [instance(), instance()];
    const runs = Array.from({ length: 10 }, (_, index) => instances[index % 2]?.run());
    const kinds = (await Promise.all(runs)).map((result) => result?.kind);
    expect(kinds.filter((kind) => kind === 'handled')).to.have.lengthOf(1);
    expect(kinds.filter((kind) => kind === 'duplicate')).to.have.lengthOf(9);
    expect(await effects()).to.equal(1);
  });

  it('finds the message handled when the answer to COMMIT was lost', async () => {
    const { database } = instance();
    const losing: SqlDatabase<unknown> = {
      ...database,
      transaction: async (work) => {
        await database.transaction(work);
        throw new Error('read ECONNRESET');
      },
    };
    const error = await rejection(new TransactionalInbox(losing).run('orders', messageId, effect(database)));
    expect(error).to.include({ code: 'LEV_INBOX_COMMIT' });
    expect(error.message).to.equal(
      `Whether the transaction of ${messageId} was committed is not known: read ECONNRESET. The redelivery finds out.`,
    );
    expect(await instance().run()).to.deep.equal({ kind: 'duplicate' });
    expect(await effects()).to.equal(1);
  });

  it('handles the message again when COMMIT never arrived', async () => {
    const { database } = instance();
    const losing: SqlDatabase<unknown> = {
      ...database,
      transaction: (work) =>
        database.transaction(async (tx) => {
          await work(tx);
          throw new Error('write EPIPE');
        }),
    };
    const error = await rejection(new TransactionalInbox(losing).run('orders', messageId, effect(database)));
    expect(error).to.include({ code: 'LEV_INBOX_COMMIT' });
    expect(await effects()).to.equal(0);
    expect(await instance().run()).to.include({ kind: 'handled' });
    expect(await effects()).to.equal(1);
  });

  it('notices a handler that rolled its transaction back itself', async () => {
    const { run, database } = instance();
    const error = await rejection(run((tx) => database.within(tx).query('ROLLBACK')));
    expect(error).to.include({ code: 'LEV_INBOX_TRANSACTION' });
    expect(error.message).to.contain('its inbox row is gone');
    expect(await run()).to.include({ kind: 'handled' });
    expect(await effects()).to.equal(1);
  });

  it('calls the handler again at once after a conflict, as often as allowed', async () => {
    const conflict = Object.assign(new Error('could not serialize access'), { code: '40001' });
    const wrapped = new Error('query failed', { cause: conflict });
    let calls = 0;
    const conflicting =
      (times: number): GuardedAttempt =>
      async (tx, lost) => {
        await effect(at.database)(tx, lost);
        if (++calls <= times) throw wrapped;
      };
    expect(await instance().run(conflicting(2))).to.include({ kind: 'handled' });
    expect(calls).to.equal(3);
    expect(await effects()).to.equal(1);
    messageId += '-again';
    calls = 0;
    expect(await rejection(instance({ conflictRetries: 1 }).run(conflicting(2)))).to.equal(wrapped);
    expect(calls).to.equal(2);
    expect(await effects()).to.equal(0);
  });

  it('does not call the handler when the database cannot be asked', async () => {
    const away: SqlDatabase<unknown> = { ...at.database, transaction: () => Promise.reject(new Error('ECONNREFUSED')) };
    let called = false;
    const error = await rejection(
      new TransactionalInbox(away).run('orders', messageId, () => {
        called = true;
      }),
    );
    expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
    expect(called).to.equal(false);
  });

  if (at.kind.service !== undefined) {
    it('answers in-progress when the first takes longer than the lock timeout', async () => {
      const [first, second] = [instance(), instance({ lockTimeout: '1s' })];
      let end: (() => void) | undefined;
      const one = first.run(() => {
        return new Promise<void>((resolve) => {
          end = resolve;
        });
      });
      await eventually('the first holds the message', () => end !== undefined);
      expect(await second.run()).to.deep.equal({ kind: 'in-progress', retryAfterMs: 1_000 });
      end?.();
      expect(await one).to.include({ kind: 'handled' });
      expect(await second.run()).to.deep.equal({ kind: 'duplicate' });
    });

    it('leaves the lock timeout of the handler as it was', async () => {
      const { run, database } = instance({ lockTimeout: '1s' });
      const isPostgres = at.kind.service === 'postgres';
      const ask = isPostgres
        ? `SELECT current_setting('lock_timeout') AS timeout`
        : 'SELECT @@SESSION.innodb_lock_wait_timeout AS timeout';
      const { rows } = await at.database.query(ask);
      const result = await run((tx) => database.within(tx).query(ask));
      const { value } = result as unknown as { value: { rows: Record<string, unknown>[] } };
      expect(value.rows[0]?.['timeout']).to.equal(rows[0]?.['timeout']);
    });

    it('handles both of two messages whose handlers meet in a deadlock', async () => {
      const [first, second] = [instance(), instance()];
      const inbox = new TransactionalInbox(second.database);
      let calls = 0;
      let arrived = 0;
      const touching = (database: SqlDatabase<unknown>, ids: readonly number[]): GuardedAttempt => {
        let met = false;
        return async (tx) => {
          calls++;
          for (const id of ids) {
            await database.within(tx).query(`UPDATE pairs SET total = total + 1 WHERE id = ${id}`);
            if (met) continue;
            met = true;
            arrived++;
            await eventually('both hold their first row', () => arrived === 2);
          }
        };
      };
      const results = await Promise.all([
        first.run(touching(first.database, [1, 2])),
        inbox.run('orders', `${messageId}-other`, touching(second.database, [2, 1])),
      ]);
      expect(results.map(({ kind }) => kind)).to.deep.equal(['handled', 'handled']);
      expect(calls).to.be.greaterThan(2);
      const { rows } = await at.database.query('SELECT total FROM pairs ORDER BY id');
      expect(rows.map((row) => Number(row['total']))).to.deep.equal([2, 2]);
    });

    it('survives the loss of its connection while the handler runs', async () => {
      const { run, database } = instance();
      const kill =
        at.kind.service === 'postgres' ? 'SELECT pg_terminate_backend(pg_backend_pid())' : 'KILL CONNECTION_ID()';
      await rejection(
        run(async (tx, lost) => {
          await effect(database)(tx, lost);
          await database.within(tx).query(kill);
        }),
      );
      expect(await effects()).to.equal(0);
      expect(await run()).to.include({ kind: 'handled' });
      expect(await effects()).to.equal(1);
    });
  }

  it('commits nothing of a handler that swallowed what broke its transaction', async () => {
    const { run, database } = instance();
    const swallowing: GuardedAttempt = async (tx, lost) => {
      await effect(database)(tx, lost);
      await database
        .within(tx)
        .query('SELECT no_such_column FROM effects')
        .catch(() => {});
    };
    if (at.kind.service !== 'postgres') {
      // Elsewhere a failed statement breaks nothing.
      expect(await run(swallowing)).to.include({ kind: 'handled' });
      return;
    }
    const error = await rejection(run(swallowing));
    expect(error).to.include({ code: 'LEV_INBOX_TRANSACTION' });
    expect(error.message).to.contain('current transaction is aborted');
    expect(await effects()).to.equal(0);
    expect(await run()).to.include({ kind: 'handled' });
  });
});

describe('TransactionalInbox', () => {
  const database = { dialect: postgres, service: 'test' } as SqlDatabase<unknown>;
  const refused: readonly [TransactionalInboxOptions, RegExp][] = [
    [{ lockTimeout: 0 }, /lockTimeout must be more than 0 ms; got 0/],
    [{ lockTimeout: 'soon' as '1s' }, /lockTimeout must be milliseconds/],
    [{ conflictRetries: -1 }, /conflictRetries must be a whole number from 0; got -1/],
    [{ conflictRetries: 1.5 }, /conflictRetries must be a whole number from 0; got 1.5/],
  ];
  for (const [options, problem] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      expect(() => new TransactionalInbox(database, options)).to.throw(problem);
    });
  }

  /** An inbox on a database that has every row, and answers a COMMIT as it is told. */
  const committing = (fault: Error) => {
    const query = async () => ({ rows: [{ one: 1 }], rowCount: 1 });
    return new TransactionalInbox({
      dialect: postgres,
      service: 'test',
      query,
      within: () => ({ query }),
      transaction: async (work) => {
        await work(undefined);
        throw fault;
      },
    });
  };

  it('says that a commit is not known, whatever the fault, and leaves alone what says that there was none', async () => {
    const rolledBack = new LeveretError('LEV_INBOX_TRANSACTION', 'rolled back');
    expect(await rejection(committing(rolledBack).run('l', 'm', () => 1))).to.equal(rolledBack);
    for (const fault of [new Error('reset'), new LeveretError('LEV_DATABASE_BUSY', 'taken')]) {
      const error = await rejection(committing(fault).run('l', 'm', () => 1));
      expect(error).to.include({ code: 'LEV_INBOX_COMMIT', cause: fault });
    }
  });

  /** An inbox on a database without rows of before, which answers other statements as it is told. */
  const asked = (answer: (text: string) => Partial<SqlResult>, options?: TransactionalInboxOptions) => {
    const made = recordingDatabase(sqlite, (text) => answer(text));
    return { ...made, inbox: new TransactionalInbox(made.database, options) };
  };
  /** The insert takes the row, and the row is there. */
  const well = (text: string) => (text.startsWith('INSERT') ? { rowCount: 1 } : { rows: [{}] });
  const conflict = Object.assign(new Error('could not serialize access'), { code: '40001' });

  it('calls the handler again ten times, with pauses that grow to half a second, unless it is told otherwise', async () => {
    for (const [options, waits] of [
      [{}, [10, 20, 40, 80, 160, 320, 500, 500, 500, 500]],
      [{ conflictRetries: 2 }, [10, 20]],
      [{ conflictRetries: 0 }, []],
    ] as const) {
      let calls = 0;
      const { inbox } = asked(well, options);
      const handler = () => {
        calls++;
        throw conflict;
      };
      const waited = await waitsOf(async () => {
        expect(await rejection(inbox.run('l', 'm', handler))).to.equal(conflict);
      });
      expect([calls, waited]).to.deep.equal([waits.length + 1, waits]);
    }
  });

  it('does not call a handler again that still runs', async () => {
    let calls = 0;
    const { inbox } = asked(well);
    const handler = () => {
      calls++;
      throw conflict;
    };
    expect(await rejection(inbox.run('l', 'm', handler, () => Promise.resolve()))).to.equal(conflict);
    expect(calls).to.equal(1);
  });

  it('takes a lock for another’s only while it writes the row: later it is the handler’s', async () => {
    const busy = Object.assign(new Error('lock'), { code: '55P03' });
    const atBegin = asked((text) => {
      if (text.startsWith('INSERT')) throw busy;
      return {};
    });
    expect(await atBegin.inbox.run('l', 'm', () => expect.fail('handled'))).to.deep.equal({
      kind: 'in-progress',
      retryAfterMs: 2_000,
    });
    const { inbox } = asked(well);
    expect(await rejection(inbox.run('l', 'm', () => Promise.reject(busy)))).to.equal(busy);
  });

  it('says what happened to the message when neither the row nor a fault is there', async () => {
    const { inbox } = asked(() => ({ rowCount: 0 }));
    const error = await rejection(inbox.run('l', 'm', () => expect.fail('handled')));
    expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
    expect(error.message).to.contain('wrote no row of leveret_inbox, reported no fault');
  });

  it('takes back the transaction of a mapper, however its handler ended', async () => {
    for (const fails of [false, true]) {
      let lent: { save(): string } | undefined;
      const { database } = recordingDatabase(sqlite, well);
      const mapper: SqlDatabase<unknown> = { ...database, transaction: (work) => work({ save: () => 'saved' }) };
      const handler: GuardedAttempt = (tx) => {
        lent = tx as typeof lent;
        expect(lent?.save()).to.equal('saved');
        if (fails) throw new Error('no stock');
      };
      await new TransactionalInbox(mapper).run('l', 'm', handler).catch(() => {});
      expect(() => lent?.save())
        .to.throw()
        .with.property('code', 'LEV_ATTEMPT_OVER');
    }
  });

  it('asks once for the rows that a listener has of before services had names, and again when it could not ask', async () => {
    let isAway = true;
    const { inbox, sent } = asked((text) => {
      if (!text.includes('LIMIT 1') || text.includes('message_id')) return well(text);
      if (isAway) throw new Error('away');
      return {};
    });
    const looks = () => sent.filter((text) => text.includes('WHERE listener = ? LIMIT 1')).length;
    const inserts = () => sent.filter((text) => text.startsWith('INSERT'));
    expect(await inbox.run('l', 'm1', () => 1)).to.include({ kind: 'handled' });
    expect(inserts().at(-1), 'not known: the insert looks itself').to.contain('NOT EXISTS');
    isAway = false;
    await Promise.all(['m2', 'm3'].map((id) => inbox.run('l', id, () => 1)));
    await inbox.run('l', 'm4', () => 1);
    expect(looks()).to.equal(2);
    expect(inserts().at(-1)).to.not.contain('NOT EXISTS');
    await inbox.run('other', 'm5', () => 1);
    expect(looks()).to.equal(3);
  });
});

describe('INSERT_ONCE', () => {
  for (const [lockTimeoutMs, seconds] of [
    [1, 1],
    [1_000, 1],
    [1_001, 2],
    [2_500, 3],
  ] as const) {
    it(`waits ${seconds} s of MySQL for ${lockTimeoutMs} ms, and lets the handler wait as before`, async () => {
      const sent: string[] = [];
      const executor = {
        query: async (text: string) => {
          sent.push(text);
          return { rows: [], rowCount: 1 };
        },
      };
      const row = { listener: 'l', before: 'b', messageId: 'm', lockTimeoutMs };
      expect(await INSERT_ONCE.mysql(executor, mysql, row)).to.deep.equal({ written: true });
      expect(sent[0]).to.equal(
        `SET @leveret_lock_wait = @@SESSION.innodb_lock_wait_timeout, SESSION innodb_lock_wait_timeout = ${seconds}`,
      );
      expect(sent.at(-1)).to.equal('SET SESSION innodb_lock_wait_timeout = @leveret_lock_wait');
    });
  }
});
