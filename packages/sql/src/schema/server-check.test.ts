import { ConfigurationError, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { SqlDatabase } from '../database/sql-database.js';
import { mysql, postgres, type SqlDialect, sqlite } from '../database/sql-dialect.js';
import { SqlIdempotencyStore } from '../idempotency/sql-idempotency-store.js';
import { OutboxRelay } from '../relay/outbox-relay.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { FakeSender } from '../test-support/fake-sender.js';
import { rejection } from '../test-support/rejection.js';
import { checkServer, checkSessions } from './server-check.js';

const NOBODY = { service: 'test', uses: new Map<string, string>() };

/** A database that answers by what a statement is about. */
function answering(dialect: SqlDialect, answers: Readonly<Record<string, readonly Record<string, unknown>[]>>) {
  const query = async (text: string) => {
    const rows = Object.entries(answers).find(([part]) => text.includes(part))?.[1] ?? [];
    return { rows, rowCount: rows.length };
  };
  const database: SqlDatabase<unknown> = {
    dialect,
    service: 'test',
    query,
    within: () => ({ query }),
    transaction: (work) => work(undefined),
  };
  return database;
}

const UTF8 = Buffer.from('é日😀').toString('hex').toUpperCase();

describe('checkServer', () => {
  const cases: readonly [string, SqlDatabase<unknown>, readonly RegExp[]][] = [
    ['PostgreSQL as it is', answering(postgres, {}), []],
    [
      'PostgreSQL without synchronous commits',
      answering(postgres, { pg_settings: [{ name: 'synchronous_commit', setting: 'off' }] }),
      [/synchronous_commit = off.*ALTER ROLE … SET synchronous_commit = on/],
    ],
    ['MySQL as it is', answering(mysql, { flush: [{ flush: 1 }], probe: [{ autocommit: 1, probe: UTF8 }] }), []],
    [
      'MySQL that flushes once a second',
      answering(mysql, { flush: [{ flush: '2' }], probe: [{ autocommit: 1, probe: UTF8 }] }),
      [/innodb_flush_log_at_trx_commit = 2/],
    ],
    ['SQLite in memory', answering(sqlite, { synchronous: [{ synchronous: 0 }], database_list: [{ file: '' }] }), []],
    ['SQLite as it is', answering(sqlite, { synchronous: [{ synchronous: 2 }], database_list: [{ file: 'a' }] }), []],
    [
      'SQLite that syncs at checkpoints only',
      answering(sqlite, { synchronous: [{ synchronous: 1 }], database_list: [{ file: 'a' }] }),
      [/synchronous = NORMAL.*synchronous = FULL/],
    ],
    [
      'SQLite that never syncs',
      answering(sqlite, { synchronous: [{ synchronous: 0 }], database_list: [{ file: 'a' }] }),
      [/synchronous = OFF/],
    ],
  ];
  for (const [what, database, texts] of cases) {
    it(`knows ${what}`, async () => {
      const concerns = await checkServer(database, NOBODY);
      expect(concerns.map(({ kind }) => kind)).to.deep.equal(texts.map(() => 'loses-commits'));
      for (const [index, text] of texts.entries()) expect(concerns[index]?.text).to.match(text);
    });
  }
});

describe('a database of your own on MySQL', () => {
  it('is refused when its sessions commit nothing, at the start and where a claim would be granted', async () => {
    const database = answering(mysql, { probe: [{ autocommit: 0, probe: UTF8 }] });
    const error = await rejection(checkSessions(database));
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(error.message).to.contain('autocommit = 0');
    const claim = await rejection(new SqlIdempotencyStore(database).claim('k', { leaseMs: 1 }));
    expect(claim).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
    expect(claim.message).to.contain('autocommit = 0');
  });

  it('publishes nothing while its sessions commit nothing', async () => {
    const sender = new FakeSender();
    const relay = new OutboxRelay(answering(mysql, { probe: [{ autocommit: 0, probe: UTF8 }] }), sender, {
      retention: false,
      logger: silentLogger,
    }).start();
    await eventually('it was refused', () => relay.stats.databaseErrors > 0);
    await relay.stop();
    expect(sender.sent).to.deep.equal([]);
  });

  it('is refused when its sessions do not hold text', async () => {
    const database = answering(mysql, { probe: [{ autocommit: 1, probe: '3F3F3F' }] });
    expect((await rejection(checkSessions(database))).message).to.contain('utf8mb4');
  });

  it('is asked again when it could not be asked', async () => {
    const answers = [new Error('away'), { autocommit: 1, probe: UTF8 }];
    const database = answering(mysql, {});
    const query = async () => {
      const answer = answers.shift() ?? { token: 'x' };
      if (answer instanceof Error) throw answer;
      return { rows: [answer], rowCount: 1 };
    };
    const store = new SqlIdempotencyStore({ ...database, query });
    expect((await rejection(store.claim('k', { leaseMs: 1 }))).message).to.contain('away');
    expect((await store.claim('k', { leaseMs: 1 })).kind).to.equal('claimed');
  });
});

describeOnEachDatabase('checkServer', (at) => {
  it('finds what this server says', async () => {
    const { database } = at;
    for (const { kind } of await checkServer(database, NOBODY)) expect(kind).to.equal('loses-commits');
  });
});
