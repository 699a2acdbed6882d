import { systemClock } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, it } from 'mocha';
import { wakeStrandedKeys } from '../cleanup/stranded-keys.js';
import { byIndexOnly } from '../database/by-index.js';
import { Outbox } from '../outbox/outbox.js';
import { countsOf } from '../outbox/outbox-counts.js';
import { readEntry, readPublication } from '../outbox/outbox-row.js';
import { firstOfKeys } from '../outbox/wake-keys.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { lease } from '../test-support/lease.js';
import { dueRows, nextDue } from './lease-rows.js';
import { settleRows } from './relay-rows.js';

const TOKEN = '00000000-0000-4000-8000-00000000000a';
const never = new AbortController().signal;

describeOnEachDatabase('leasing', (at) => {
  afterEach(() => at.database.query('DELETE FROM leveret_outbox'));
  const put = (orderKey: string, bodies: readonly string[]) =>
    at.database.transaction(async (tx) => {
      for (const body of bodies) await new Outbox(at.database).publish(tx, 'e', 'k', body, { orderKey });
    });
  const bodies = (rows: readonly Readonly<Record<string, unknown>>[]) =>
    rows.map((row) => Buffer.from(row['body'] as Uint8Array).toString());
  const dueAt = async () => {
    const { rows } = await at.database.query('SELECT id, due_at FROM leveret_outbox ORDER BY id');
    return rows.map((row) => row['due_at'] !== null);
  };
  const confirm = (rows: readonly Readonly<Record<string, unknown>>[], keys: readonly string[]) =>
    settleRows(
      at.database,
      TOKEN,
      { confirmed: rows.map((row) => Number(row['id'])), keys, released: [], aside: [], refused: [] },
      100,
    );

  it('puts aside what waits behind another, and makes it due when that one is gone', async () => {
    await put('a', ['a0', 'a1', 'a2']);
    const first = await lease(at.database, TOKEN, 60_000, 1);
    expect(bodies(first)).to.deep.equal(['a0']);
    expect(await lease(at.database, TOKEN, 60_000, 10)).to.deep.equal([]);
    expect(await dueAt()).to.deep.equal([true, false, false]);
    await confirm(first, ['a']);
    expect(bodies(await lease(at.database, TOKEN, 60_000, 10))).to.deep.equal(['a1', 'a2']);
  });

  it('reads the bodies that fit with the look, and the others of what is taken behind it', async () => {
    const sizes = [10, 200_000, 0, 150_000, 70_000];
    await at.database.transaction(async (tx) => {
      for (const size of sizes)
        await new Outbox(at.database).publish(tx, 'e', 'k', Buffer.alloc(size, size % 251), {
          headers: { size },
        });
    });
    const rows = await lease(at.database, TOKEN, 60_000, 10);
    const messages = rows.map((row) => readPublication(row));
    expect(messages.map(({ body }) => [body.length, new Set(body)])).to.deep.equal(
      sizes.map((size) => [size, new Set(size === 0 ? [] : [size % 251])]),
    );
    expect(messages.map(({ headers }) => headers)).to.deep.equal(sizes.map((size) => ({ size })));
    expect(rows.map((row) => readEntry(row).attempts)).to.deep.equal([1, 1, 1, 1, 1]);
  });

  it('takes no row that a trigger keeps from being changed, and leaves the others no worse', async () => {
    if (at.database.dialect.name === 'mysql') return; // There a trigger lets a row through, or says an error.
    await put('a', ['a0']);
    await put('b', ['b0']);
    const [on, off] =
      at.database.dialect.name === 'postgres'
        ? [
            [
              `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.order_key = 'a' THEN RETURN NULL; END IF; RETURN NEW; END $$`,
              'CREATE TRIGGER keeps BEFORE UPDATE ON leveret_outbox FOR EACH ROW EXECUTE FUNCTION keep()',
            ],
            ['DROP TRIGGER keeps ON leveret_outbox', 'DROP FUNCTION keep()'],
          ]
        : [
            [
              `CREATE TRIGGER keeps BEFORE UPDATE ON leveret_outbox WHEN OLD.order_key = 'a' BEGIN SELECT RAISE(IGNORE); END`,
            ],
            ['DROP TRIGGER keeps'],
          ];
    for (const statement of on) await at.database.query(statement);
    expect(bodies(await lease(at.database, TOKEN, 60_000, 10))).to.deep.equal(['b0']);
    for (const statement of off) await at.database.query(statement);
    expect(bodies(await lease(at.database, TOKEN, 60_000, 10))).to.deep.equal(['a0']);
  });

  it('wakes a key whose parked row somebody deleted by hand', async () => {
    await put('a', ['a0', 'a1']);
    await put('b', ['b0', 'b1']);
    await at.database.query(
      'UPDATE leveret_outbox SET parked_at = 1, due_at = NULL WHERE id = (SELECT * FROM (SELECT min(id) FROM leveret_outbox) AS m)',
    );
    expect(bodies(await lease(at.database, TOKEN, 60_000, 10))).to.deep.equal(['b0', 'b1']);
    expect(await wakeStrandedKeys(at.database, systemClock, never)).to.equal(0);
    await at.database.query('DELETE FROM leveret_outbox WHERE parked_at IS NOT NULL');
    expect(await lease(at.database, TOKEN, 60_000, 10)).to.deep.equal([]);
    expect(await wakeStrandedKeys(at.database, systemClock, never)).to.equal(1);
    expect(bodies(await lease(at.database, TOKEN, 60_000, 10))).to.deep.equal(['a1']);
  });

  it('goes over the keys page by page', async () => {
    await at.database.transaction(async (tx) => {
      for (let n = 0; n < 1_100; n++)
        await new Outbox(at.database).publish(tx, 'e', 'k', 'x', { orderKey: n < 600 ? 'long' : `k${n}` });
    });
    await at.database.query('UPDATE leveret_outbox SET due_at = NULL');
    expect(await wakeStrandedKeys(at.database, systemClock, never)).to.equal(501);
  });

  it('leaves a row alone whose predecessor is being deleted, and takes it when that is done', async () => {
    if (at.kind.service === undefined) return; // One writer: nothing comes in between.
    await put('a', ['a0', 'a1']);
    const [first] = await lease(at.database, TOKEN, 60_000, 1);
    await at.database.transaction(async (tx) => {
      await at.database.within(tx).query(`DELETE FROM leveret_outbox WHERE id = ${Number(first?.['id'])}`);
      expect(await lease(at.open(), TOKEN, 60_000, 10)).to.deep.equal([]);
      expect(await dueAt()).to.deep.equal([true, true]);
    });
    expect(bodies(await lease(at.database, TOKEN, 60_000, 10))).to.deep.equal(['a1']);
  });

  it('counts in indexes, without the messages', async function () {
    this.timeout(60_000);
    const explain = at.kind.service === undefined ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN';
    const { rows } = await at.database.transaction(async (tx) => {
      const executor = at.database.within(tx);
      await byIndexOnly(executor, at.database.dialect.name);
      return executor.query(`${explain} SELECT ${countsOf(at.database, 'index')}`);
    });
    const reads = rows
      .map((row) => JSON.stringify(row))
      .filter((line) => /on leveret_outbox|SEARCH|"table":"leveret_outbox"/.test(line));
    expect(reads).to.have.lengthOf(2);
    for (const line of reads) expect(line).to.match(/Index Only Scan using|USING COVERING INDEX|Using index/);
  });

  it('reads indexes only, however many rows there are and whatever statistics say', async function () {
    if (at.kind.service === undefined) return; // Its indexes are named in the statement.
    this.timeout(60_000);
    const { dialect } = at.database;
    const [series, concat] =
      dialect.name === 'postgres' ? ['generate_series(1, 20000)', `'k' || n`] : ['seq_1_to_20000', `CONCAT('k', seq)`];
    await at.database.query(
      `INSERT INTO leveret_outbox (exchange, routing_key, properties, headers, mandatory, body, service, order_key, created_at)
       SELECT 'e', 'k', '{}', '{}', 1, 'x', 'test', ${concat}, 1 FROM ${series}${dialect.name === 'postgres' ? ' AS s (n)' : ''}`,
    );
    const statements = [
      dueRows(at.database, 100),
      dueRows(at.database, 100, 'last'),
      nextDue(at.database),
      firstOfKeys(at.database, ['k1', 'k2'], 50),
      firstOfKeys(
        at.database,
        Array.from({ length: 40 }, (_, n) => `k${n}`),
        2,
      ),
    ];
    for (const statement of statements) {
      const { rows } = await at.database.transaction(async (tx) => {
        await byIndexOnly(at.database.within(tx), dialect.name);
        return at.database.within(tx).query(`EXPLAIN ${statement}`);
      });
      const plan = rows.map((row) => JSON.stringify(row)).join('\n');
      expect(plan).to.match(/leveret_outbox_(due|order)/);
      expect(plan).to.not.match(
        /Seq Scan|Sort|Filter: \(due_at|filesort|"table":"(o|e|leveret_outbox)","type":"(ALL|index)"/,
      );
    }
  });
});
