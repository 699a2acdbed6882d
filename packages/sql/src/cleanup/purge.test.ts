import { silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { BY_INDEX_ONLY } from '../database/by-index.js';
import type { SqlResult } from '../database/sql-database.js';
import { mysql, postgres, type SqlDialect, sqlite } from '../database/sql-dialect.js';
import { Outbox } from '../outbox/outbox.js';
import { OutboxRelay } from '../relay/outbox-relay.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { FakeSender } from '../test-support/fake-sender.js';
import { recordingDatabase } from '../test-support/recording-database.js';
import { rejection } from '../test-support/rejection.js';
import { purge, purgeBy } from './purge.js';

const DAY_MS = 24 * 3_600_000;

describeOnEachDatabase('purge', (at) => {
  beforeEach(async () => {
    const { now } = at.database.dialect;
    for (const table of ['leveret_inbox', 'leveret_idempotency']) await at.database.query(`DELETE FROM ${table}`);
    for (let n = 0; n < 25; n++) {
      const age = n < 10 ? 6.9 * DAY_MS : 7.1 * DAY_MS;
      await at.database.query(`INSERT INTO leveret_inbox VALUES ('orders', 'm${n}', ${now} - ${age})`);
      const left = n < 10 ? 60_000 : -1;
      await at.database.query(`INSERT INTO leveret_idempotency VALUES ('k${n}', 't', ${n % 2}, ${now} + ${left})`);
    }
  });
  const count = async (table: string) =>
    Number((await at.database.query(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.['n']);

  it('deletes what is older than seven days, and claims past their time, in bounded statements', async () => {
    expect(await purge(at.database, { batchSize: 4 })).to.deep.equal({ inbox: 15, claims: 15 });
    expect([await count('leveret_inbox'), await count('leveret_idempotency')]).to.deep.equal([10, 10]);
    expect(await purge(at.database)).to.deep.equal({ inbox: 0, claims: 0 });
  });

  it('leaves the rest for the next call when it may not do all at once', async () => {
    expect(await purge(at.database, { batchSize: 4, maxBatches: 2 })).to.deep.equal({ inbox: 8, claims: 8 });
  });

  it('keeps what it is told to keep', async () => {
    expect((await purge(at.database, { retention: '30d' })).inbox).to.equal(0);
    expect((await purge(at.database, { retention: '1d' })).inbox).to.equal(25);
  });

  it('passes over a row that a handler has locked, and makes neither wait for the other', async () => {
    if (at.kind.service === undefined) return; // One writer: nothing is locked beside it.
    const other = at.open();
    await at.database.transaction(async (tx) => {
      const locked = `SELECT 1 FROM leveret_inbox WHERE message_id = 'm20' FOR UPDATE`;
      await at.database
        .within(tx)
        .query(locked.replace(`'m20'`, at.database.dialect.name === 'mysql' ? `X'6d3230'` : `'m20'`));
      expect((await purge(other, { batchSize: 4 })).inbox).to.equal(14);
    });
    expect((await purge(other)).inbox).to.equal(1);
  });

  it('ends between two transactions when it is told to', async () => {
    const stopping = new AbortController();
    stopping.abort();
    expect(await purge(at.database, { signal: stopping.signal })).to.deep.equal({ inbox: 0, claims: 0 });
  });

  it('holds up no message of a relay while a row is locked', async () => {
    if (at.kind.service === undefined) return;
    const sender = new FakeSender();
    const outbox = new Outbox(at.database);
    await at.database.transaction(async (tx) => {
      await at.database.within(tx).query('SELECT 1 FROM leveret_inbox FOR UPDATE');
      const random = Math.random;
      Math.random = () => 0;
      const relay = new OutboxRelay(at.open(), sender, { pollInterval: 10, logger: silentLogger }).start();
      Math.random = random;
      const second = at.open();
      for (let n = 0; n < 20; n++) await second.transaction((mine) => outbox.publish(mine, 'e', 'k', n));
      await eventually('all are published', () => relay.stats.published === 20);
      expect(relay.stats).to.include({ databaseErrors: 0 });
      await relay.stop();
    });
    await at.database.query('DELETE FROM leveret_outbox');
  });

  const startedAtOnce = (sender: FakeSender) => {
    const random = Math.random;
    Math.random = () => 0;
    try {
      return new OutboxRelay(at.database, sender, { pollInterval: '10m' }).start();
    } finally {
      Math.random = random;
    }
  };

  it('is done by a relay now and then', async () => {
    const relay = startedAtOnce(new FakeSender());
    await eventually('it has deleted', () => relay.stats.purged === 30);
    await relay.stop();
  });

  it('is done by a relay that always has something to publish', async () => {
    const outbox = new Outbox(at.database);
    const put = () => at.database.transaction((tx) => outbox.publish(tx, 'e', 'k', 'x'));
    await put();
    const sender = new FakeSender();
    sender.answer = () => put().then(() => undefined);
    const relay = startedAtOnce(sender);
    await eventually('it has deleted', () => relay.stats.purged === 30);
    await relay.stop();
    await at.database.query('DELETE FROM leveret_outbox');
  });

  it('is gone on with by a relay until nothing is left', async () => {
    const many = Array.from({ length: 1_100 }, (_, n) => `('many', 'm${n}', 0)`);
    await at.database.query(`INSERT INTO leveret_inbox (listener, message_id, handled_at) VALUES ${many.join(', ')}`);
    const relay = startedAtOnce(new FakeSender());
    await eventually('it has deleted all', () => relay.stats.purged === 1_130);
    await relay.stop();
  });
});

/** Takes 10 ms for each transaction. */
function recording(dialect: SqlDialect, clock: FakeClock, answer?: (text: string) => Partial<SqlResult>) {
  const made = recordingDatabase(dialect, answer, () => clock.pass(10));
  return { ...made, of: (table: string) => made.sent.filter((text) => text.includes(table)) };
}

describe('purge', () => {
  let clock: FakeClock;
  beforeEach(() => {
    clock = new FakeClock();
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('rests four times as long as a transaction took, before each next one, and tells of each', async () => {
    const told: number[] = [];
    const counts = [3, 3, 1, 3, 0];
    const { database } = recording(sqlite, clock, (text) =>
      text.startsWith('DELETE') ? { rowCount: counts.shift() ?? 0 } : {},
    );
    const purging = purgeBy(clock, database, { batchSize: 3 }, (rows) => told.push(rows));
    for (const [telling, waits] of [
      [[3], [40]],
      [[3, 3], [40]],
      [[3, 3, 1, 3], [40]],
    ] as const) {
      await settled();
      expect([told, clock.waits]).to.deep.equal([telling, waits]);
      await clock.advance(39);
      expect(told).to.deep.equal(telling);
      await clock.advance(1);
    }
    expect(await purging).to.deep.equal({ inbox: 7, claims: 3 });
    expect(told).to.deep.equal([3, 3, 1, 3, 0]);
    expect(clock.waits).to.deep.equal([]);
  });

  it('rests no longer when it is told to end', async () => {
    const stopping = new AbortController();
    const { database, of } = recording(sqlite, clock, () => ({ rowCount: 500 }));
    const purging = purgeBy(clock, database, { signal: stopping.signal });
    await settled();
    stopping.abort();
    expect(await purging).to.deep.equal({ inbox: 500, claims: 0 });
    expect([of('DELETE').length, clock.waits]).to.deep.equal([1, []]);
  });

  it('remembers for seven days, and deletes 500 rows at a time, unless it is told otherwise', async () => {
    const { database, of } = recording(sqlite, clock);
    await purgeBy(clock, database, {});
    expect(of('DELETE FROM leveret_inbox')[0]).to.contain(`- ${7 * DAY_MS} ORDER BY handled_at LIMIT 500)`);
    await purgeBy(clock, database, { retention: 0, batchSize: 1 });
    expect(of('DELETE FROM leveret_inbox')[1]).to.contain('- 0 ORDER BY handled_at LIMIT 1)');
  });

  it('has PostgreSQL ask for the time once, pass over what is locked, and wait for no disk', async () => {
    const { database, sent } = recording(postgres, clock);
    await purgeBy(clock, database, { batchSize: 4 });
    const transaction = sent.slice(sent.indexOf('BEGIN') + 1, sent.lastIndexOf('BEGIN'));
    expect(transaction).to.deep.equal([
      BY_INDEX_ONLY,
      `SELECT set_config('synchronous_commit', 'off', true)`,
      `DELETE FROM leveret_inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM leveret_inbox WHERE handled_at <= (SELECT ${postgres.now} - ${7 * DAY_MS}) ORDER BY handled_at LIMIT 4 FOR UPDATE SKIP LOCKED))`,
    ]);
  });

  it('deletes of MySQL what it has locked, a hundred keys at a time, and counts all', async () => {
    const rows = Array.from({ length: 250 }, (_, n) => ({
      listener: Buffer.from('l'),
      message_id: Buffer.from(`m${n}`),
      claim_key: Buffer.from(`k${n}`),
    }));
    const { database, of } = recording(mysql, clock, (text) => {
      if (text.startsWith('SELECT listener')) return { rows, rowCount: rows.length };
      return { rowCount: text.split(' UNION ALL ').length };
    });
    expect((await purgeBy(clock, database, { batchSize: 300 })).inbox).to.equal(250);
    expect(of('SELECT listener, message_id FROM leveret_inbox')[0]).to.match(
      / ORDER BY handled_at LIMIT 300 FOR UPDATE SKIP LOCKED$/,
    );
    const deletes = of('DELETE t FROM');
    expect(deletes.map((text) => text.split(' UNION ALL ').length)).to.deep.equal([100, 100, 50]);
    const named = deletes.flatMap((text) => [...text.matchAll(/X'([0-9a-f]+)' AS message_id/g)].map(([, hex]) => hex));
    expect(named.map((hex) => Buffer.from(hex ?? '', 'hex').toString())).to.deep.equal(rows.map((_, n) => `m${n}`));
    expect(deletes[0]).to.contain('ON t.listener = k.listener AND t.message_id = k.message_id');
  });

  it('refuses amounts that are none', async () => {
    const database = {} as Parameters<typeof purge>[0];
    expect((await rejection(purge(database, { batchSize: 0 }))).message).to.contain(
      'batchSize must be a whole number from 1',
    );
    expect((await rejection(purge(database, { maxBatches: 0.5 }))).message).to.contain('maxBatches must be');
    expect((await rejection(purge(database, { retention: 'x' as '7d' }))).message).to.contain('retention must be');
    expect((await rejection(purge(database, { retantion: '7d' } as object))).message).to.contain('retantion');
  });
});
