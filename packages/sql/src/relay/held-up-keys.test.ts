import { silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import type { SqlDatabase } from '../database/sql-database.js';
import { Outbox } from '../outbox/outbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { FakeSender, nacked } from '../test-support/fake-sender.js';
import { lease } from '../test-support/lease.js';
import { leaseRows } from './lease-rows.js';
import { OutboxRelay } from './outbox-relay.js';
import type { OutboxRelayOptions } from './relay-options.js';

const QUICK: OutboxRelayOptions = {
  pollInterval: 20,
  initialInterval: 10,
  maxInterval: 40,
  maxFailures: 1,
  retention: false,
  logger: silentLogger,
};
const TOKEN = '00000000-0000-4000-8000-00000000000a';
const OTHER = '00000000-0000-4000-8000-00000000000b';

describeOnEachDatabase('OutboxRelay with keys that are held up', (at) => {
  let outbox: Outbox<unknown>;
  let sender: FakeSender;
  const relays: OutboxRelay<unknown>[] = [];

  beforeEach(() => {
    outbox = new Outbox(at.database);
    sender = new FakeSender();
  });
  afterEach(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.stop()));
    await at.database.query('DELETE FROM leveret_outbox');
  });

  const start = (options: OutboxRelayOptions = {}, database = at.database) => {
    const relay = new OutboxRelay(database, sender, { ...QUICK, ...options });
    relays.push(relay);
    return relay.start();
  };
  /** Bodies that begin with their key: `a-0`, `a-1`, ...; a body without a dash has no key. */
  const put = (bodies: readonly string[]) =>
    at.database.transaction(async (tx) => {
      for (const body of bodies) {
        const [key] = body.split('-');
        await outbox.publish(tx, 'e', 'k', body, key === body || key === undefined ? {} : { orderKey: key });
      }
    });
  const series = (key: string, from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => `${key}-${from + n}`);
  const query = (text: string) => at.database.query(text);
  const park = (where: string) => query(`UPDATE leveret_outbox SET parked_at = 1, due_at = NULL WHERE ${where}`);
  const empty = () =>
    eventually('the outbox is empty', async () => {
      const { pending, parked } = await outbox.counts();
      return pending + parked === 0;
    });
  const due = async () =>
    Number((await query('SELECT count(*) AS n FROM leveret_outbox WHERE due_at IS NOT NULL')).rows[0]?.['n']);
  const expectInOrder = (key: string, to: number) =>
    expect(sender.bodies.filter((body) => body.startsWith(`${key}-`))).to.deep.equal(series(key, 0, to));

  it('sends fresh rows before it has put aside what is held up', async () => {
    await put(series('held', 0, 1_200));
    await park(`id = (SELECT * FROM (SELECT min(id) FROM leveret_outbox) AS m)`);
    await put(['fresh-0', 'free', 'fresh-1']);
    let looks = 0;
    sender.answer = () => {
      looks = relay.stats.polls;
      return undefined;
    };
    const relay = start({ batchSize: 20 });
    await eventually('the fresh ones are sent', () => sender.sent.length === 3);
    expect(sender.bodies.filter((body) => body !== 'free')).to.deep.equal(['fresh-0', 'fresh-1']);
    // The second look is at what became due last, too. In the third, the next of a key may have its turn.
    expect(looks).to.be.lessThan(5);
    await eventually('nothing that waits behind another is due', async () => (await due()) === 0);
  });

  it('looks at what became due last, too, and says when there was no room', async () => {
    await put([...series('held', 0, 6), 'free', 'last-0', 'last-1']);
    await park(`id = (SELECT * FROM (SELECT min(id) FROM leveret_outbox) AS m)`);
    const look = (lookAt: number, lookAtLast: number, rows: number) =>
      leaseRows(
        at.database,
        { token: TOKEN, leaseMs: 60_000, lookAt, lookAtLast },
        () => ({ rows, bytes: 1_000_000, empty: true }),
        () => ({ rows, deferMs: 0 }),
      );
    const bodies = (rows: readonly Readonly<Record<string, unknown>>[]) =>
      rows.map((row) => Buffer.from(row['body'] as Uint8Array).toString());
    const first = await look(2, 2, 10);
    expect([bodies(first.rows), first.moved, first.due, first.full]).to.deep.equal([['last-0', 'last-1'], 2, 4, false]);
    const second = await look(10, 10, 1);
    expect([bodies(second.rows), second.moved, second.due, second.full]).to.deep.equal([['free'], 3, 4, true]);
  });

  it('sets many keys free in order, whatever held them up, with two relays at once', async () => {
    const keys = Array.from({ length: 12 }, (_, n) => `key${n}`);
    await put(keys.flatMap((key) => series(key, 0, 15)));
    const heads = (rest: number) => {
      const some = keys.filter((_, n) => n % 3 === rest).map((key) => `'${key}'`);
      const first = `SELECT min(id) FROM leveret_outbox WHERE order_key IN (${some.join(', ')}) GROUP BY order_key`;
      return `id IN (SELECT * FROM (${first}) AS m)`;
    };
    // A third of the keys is parked, a third leased by a relay that has died, a third waits after a refusal.
    await park(heads(0));
    const soon = `${at.database.dialect.now} + 700`;
    await query(`UPDATE leveret_outbox SET locked_by = '${OTHER}', due_at = ${soon} WHERE ${heads(1)}`);
    await query(`UPDATE leveret_outbox SET failures = 1, due_at = ${soon} WHERE ${heads(2)}`);
    await put(['free0', 'free1']);
    for (let n = 0; n < 2; n++) start({ batchSize: 8, maxFailures: 10 }, at.open());
    await eventually(
      'the free ones are sent',
      () => sender.bodies.includes('free0') && sender.bodies.includes('free1'),
    );
    for (const key of keys.filter((_, n) => n % 3 === 0)) expectInOrder(key, 0);
    await eventually('what was not parked is sent', async () => (await outbox.counts()).pending === 4 * 14);
    await outbox.requeue('all');
    await empty();
    for (const key of keys) expectInOrder(key, 15);
    expect(sender.sent).to.have.lengthOf(12 * 15 + 2);
  });

  it('sends all that waited behind a parked row when that is let go, without a wait in between', async () => {
    let refused = true;
    sender.answer = ({ body }) => (refused && body.toString() === 'a-0' ? nacked() : undefined);
    await put(series('a', 0, 300));
    const relay = start({ batchSize: 50, pollInterval: 60_000 });
    await eventually('all are aside', async () => (await due()) === 0);
    expect(sender.bodies).to.deep.equal(['a-0']);
    refused = false;
    sender.sent.splice(0);
    expect(await outbox.requeue('all')).to.equal(1);
    relay.wake();
    await empty();
    expectInOrder('a', 300);
  });

  it('passes rows that cannot be put aside, because somebody has a lock on the one before them', async () => {
    if (at.kind.service === undefined) return; // One writer: nothing comes in between.
    await put(series('a', 0, 60));
    await park(`id = (SELECT * FROM (SELECT min(id) FROM leveret_outbox) AS m)`);
    await put(['free']);
    const [parked] = await outbox.parked();
    await at.database.transaction(async (tx) => {
      await at.database.within(tx).query(`SELECT id FROM leveret_outbox WHERE id = ${parked?.id} FOR UPDATE`);
      start({ batchSize: 10, pollInterval: 60_000 }, at.open());
      await eventually('the free one is sent', () => sender.bodies.includes('free'));
      expect(await due()).to.be.greaterThan(0);
    });
  });

  it('puts nothing aside that a lease cut off in the middle had begun with, and loses nothing by it', async () => {
    await put(series('a', 0, 5));
    await park(`id = (SELECT * FROM (SELECT min(id) FROM leveret_outbox) AS m)`);
    await put(['free']);
    const cut: SqlDatabase<unknown> = {
      ...at.database,
      transaction: (work) => at.database.transaction(work),
      query: (text, values) => at.database.query(text, values),
      within: (tx) => {
        const executor = at.database.within(tx);
        return {
          query: async (text, values) => {
            if (text.includes('locked_by =')) throw new Error('the process was killed');
            return executor.query(text, values);
          },
        };
      },
    };
    expect(await lease(cut, TOKEN, 60_000, 10).catch((error: Error) => error.message)).to.equal(
      'the process was killed',
    );
    expect(await due()).to.equal(5);
    start();
    await eventually('the free one is sent', () => sender.bodies.includes('free'));
    await outbox.requeue('all');
    await empty();
    expectInOrder('a', 5);
  });

  it('wakes what another relay put aside behind a row that is confirmed at the same time', async () => {
    await put(series('a', 0, 40));
    const started = [0, 1].map(() => start({ batchSize: 3 }, at.open()));
    await empty();
    expectInOrder('a', 40);
    expect(started.map(({ stats }) => stats.lostLeases)).to.deep.equal([0, 0]);
  });
});
