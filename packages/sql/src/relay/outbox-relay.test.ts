import { type LogFields, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { SqlDatabase } from '../database/sql-database.js';
import { sqlite } from '../database/sql-dialect.js';
import { Outbox, type OutboxPublishOptions } from '../outbox/outbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { FakeSender, nacked, offline } from '../test-support/fake-sender.js';
import { lease } from '../test-support/lease.js';
import { OutboxRelay } from './outbox-relay.js';
import type { OutboxRelayOptions } from './relay-options.js';
import { renewLeases, type Settlement, settleRows } from './relay-rows.js';

const QUICK: OutboxRelayOptions = {
  pollInterval: 20,
  initialInterval: 10,
  maxInterval: 40,
  retention: false,
  logger: silentLogger,
};
const TOKEN_A = '00000000-0000-4000-8000-00000000000a';
const TOKEN_B = '00000000-0000-4000-8000-00000000000b';

describeOnEachDatabase('OutboxRelay', (at) => {
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
  const put = (payload: unknown, options: OutboxPublishOptions = {}) =>
    at.database.transaction((tx) => outbox.publish(tx, 'e', 'k', payload, options));
  const empty = () => eventually('the outbox is empty', async () => (await outbox.counts()).pending === 0);
  const rows = async () => (await at.database.query('SELECT * FROM leveret_outbox ORDER BY id')).rows;
  const text = (statement: string) => at.database.dialect.placeholders(statement);

  it('publishes what is there and what comes, and deletes it once it is confirmed', async () => {
    await put('before');
    const relay = start();
    await empty();
    await put('after');
    await empty();
    expect(sender.bodies).to.deep.equal(['before', 'after']);
    expect(relay.stats).to.include({
      published: 2,
      refused: 0,
      parked: 0,
      outages: 0,
      lostLeases: 0,
      databaseErrors: 0,
    });
    expect(await rows()).to.deep.equal([]);
  });

  it('does the same on a database that is not one of leveret’s adapters, statement by statement', async () => {
    sender.answer = ({ body }, times) => (body.toString() === 'refused' && times === 1 ? nacked() : undefined);
    const keyed = ['k0', 'k1', 'k2', 'k3'];
    for (const body of keyed) await put(body, { orderKey: 'k' });
    await put('refused');
    const relay = start({ batchSize: 3 }, { ...at.database });
    await empty();
    expect(sender.bodies.filter((body) => body.startsWith('k'))).to.deep.equal(keyed);
    expect(relay.stats).to.include({ published: 5, refused: 1, parked: 0, lostLeases: 0, databaseErrors: 0 });
    expect(await rows()).to.deep.equal([]);
  });

  it('keeps a message until its confirm', async () => {
    let confirm: (value?: unknown) => void = () => {};
    sender.answer = () =>
      new Promise((resolve) => {
        confirm = resolve;
      });
    await put('held');
    start();
    await eventually('it is sent', () => sender.sent.length === 1);
    expect(await rows()).to.have.lengthOf(1);
    confirm();
    await empty();
  });

  it('publishes nothing of a transaction that is open or rolled back', async () => {
    if (!at.kind.shared) return;
    start({}, at.open());
    await at.database
      .transaction(async (tx) => {
        await outbox.publish(tx, 'e', 'k', 'never');
        await eventually('it has looked', () => (relays[0]?.stats.polls ?? 0) > 2 || at.kind.service === undefined);
        throw new Error('undo');
      })
      .catch(() => {});
    await put('marker');
    await empty();
    expect(sender.bodies).to.deep.equal(['marker']);
  });

  it('publishes many in batches, oldest first', async () => {
    await at.database.transaction(async (tx) => {
      for (let n = 0; n < 50; n++) await outbox.publish(tx, 'e', 'k', n);
    });
    start({ batchSize: 7 });
    await empty();
    expect(sender.bodies).to.deep.equal(Array.from({ length: 50 }, (_, n) => String(n)));
  });

  it('tries a refused message again with the same id, and parks it visibly in the end', async () => {
    sender.answer = () => nacked();
    const messageId = await put('poison');
    const lines: string[] = [];
    const logger = {
      ...silentLogger,
      // Waits are longer by some chance.
      warn: ({ id, delayMs }: LogFields, line: string) =>
        lines.push(`${line}: ${typeof id}, ${Math.floor(Number(delayMs) / 10)}`),
      error: (_: LogFields, line: string) => lines.push(line),
    };
    const relay = start({ maxFailures: 3, logger });
    await eventually('it is parked', () => relay.stats.parked === 1);
    expect(sender.sent.map(({ properties }) => properties.messageId)).to.deep.equal([messageId, messageId, messageId]);
    const [parked] = await outbox.parked();
    expect(parked).to.include({ messageId, failures: 3, error: 'LEV_PUBLISH_NACKED: the queue is full' });
    expect(relay.stats).to.include({ published: 0, refused: 3, parked: 1 });
    expect(lines).to.deep.equal([
      'a message of the outbox was refused: number, 1',
      'a message of the outbox was refused: number, 2',
      'a message of the outbox is parked: it waits for a person',
    ]);

    sender.answer = () => undefined;
    expect(await outbox.requeue('all')).to.equal(1);
    await empty();
    expect(sender.sent).to.have.lengthOf(4);
  });

  it('lets others pass a refused message', async () => {
    sender.answer = ({ body }) => (body.toString() === 'bad' ? nacked() : undefined);
    await put('bad');
    await put('good');
    start({ initialInterval: 60_000, maxInterval: 60_000 });
    // The two statements that settle a batch follow each other.
    await eventually('the good one is gone, and the bad one let go', async () => {
      const left = await rows();
      return left.length === 1 && left[0]?.['locked_by'] === null;
    });
    expect((await rows())[0]).to.include({
      failures: 1,
      error: 'LEV_PUBLISH_NACKED: the queue is full',
      locked_by: null,
    });
  });

  it('counts nothing against messages while nobody could take them', async () => {
    let away = true;
    sender.answer = () => (away ? offline() : undefined);
    await put('patient');
    const relay = start({ maxFailures: 1 });
    await eventually('it has tried', () => relay.stats.outages >= 1);
    away = false;
    await empty();
    expect(relay.stats).to.include({ refused: 0, parked: 0, published: 1 });
  });

  it('takes a sender without an answer for an outage', async () => {
    sender.answer = (_, times) => (times === 1 ? new Promise(() => {}) : undefined);
    await put('patient');
    const relay = start({ sendTimeout: 50, maxFailures: 1 });
    await empty();
    expect(relay.stats).to.include({ outages: 1, published: 1 });
  });

  it('parks a row that holds no message', async () => {
    await put('fine');
    await at.database.query(`UPDATE leveret_outbox SET headers = '{'`);
    await put('good');
    start();
    await eventually('it is parked', async () => (await outbox.counts()).parked === 1);
    await empty();
    expect((await outbox.parked())[0]?.error).to.match(/^LEV_MESSAGE_UNREADABLE: /);
    expect(sender.bodies).to.deep.equal(['good']);
  });

  it('shares the work: each message goes through one of several relays', async () => {
    await at.database.transaction(async (tx) => {
      for (let n = 0; n < 120; n++) await outbox.publish(tx, 'e', 'k', n);
    });
    for (let n = 0; n < 4; n++) start({ batchSize: 10 }, at.open());
    await empty();
    expect(new Set(sender.bodies).size).to.equal(120);
    expect(sender.sent).to.have.lengthOf(120);
    const published = relays.map((relay) => relay.stats.published);
    expect(published.reduce((sum, each) => sum + each)).to.equal(120);
  });

  it('takes over what a relay had that died', async () => {
    await put('orphan');
    expect(await lease(at.database, TOKEN_A, 150, 10)).to.have.lengthOf(1);
    start();
    await empty();
    expect(sender.bodies).to.deep.equal(['orphan']);
  });

  it('changes nothing that is leased to another by now', async () => {
    await put('fought over');
    const [row] = await lease(at.database, TOKEN_A, 1, 10);
    const id = Number(row?.['id']);
    await eventually('the lease ends', async () => (await lease(at.database, TOKEN_B, 60_000, 10)).length === 1);
    const nothing: Settlement = { confirmed: [], keys: [], released: [], aside: [], refused: [] };
    const settle = (token: string, settlement: Partial<Settlement>) =>
      settleRows(at.database, token, { ...nothing, ...settlement }, 10);
    expect(await settle(TOKEN_A, { confirmed: [id] })).to.deep.equal({ deleted: 0, parked: 0 });
    expect(await renewLeases(at.database, TOKEN_A, [id], 1)).to.deep.equal([]);
    await settle(TOKEN_A, { released: [{ id, delayMs: 0 }] });
    await settle(TOKEN_A, { aside: [id] });
    await settle(TOKEN_A, { refused: [{ id, delayMs: 1, error: 'x' }] });
    expect(await settle(TOKEN_A, { refused: [{ id, delayMs: 'never', error: 'x' }] })).to.include({ parked: 0 });
    expect((await rows())[0]).to.include({ locked_by: TOKEN_B, error: null });
    expect(await renewLeases(at.database, TOKEN_B, [id], 1_000)).to.deep.equal([id]);
    expect(await settle(TOKEN_B, { confirmed: [id] })).to.include({ deleted: 1 });
  });

  it('keeps its leases while the broker is slow', async () => {
    let confirm: (value?: unknown) => void = () => {};
    sender.answer = () =>
      new Promise((resolve) => {
        confirm = resolve;
      });
    await put('slow');
    start({ lease: 300 });
    await eventually('it is sent', () => sender.sent.length === 1);
    const [{ due_at: until } = {}] = await rows();
    await eventually('its lease is renewed twice', async () => {
      const { rows: found } = await at.database.query(
        text(`SELECT 1 FROM leveret_outbox WHERE due_at >= ? AND due_at > ${at.database.dialect.now}`),
        [Number(until) + 180],
      );
      return found.length === 1;
    });
    expect(await lease(at.database, TOKEN_B, 1, 10)).to.deep.equal([]);
    confirm();
    await empty();
    expect(sender.sent).to.have.lengthOf(1);
  });

  it('finds a message with a lower id that was committed later', async () => {
    if (at.kind.service === undefined) return; // SQLite has one writer: nothing overtakes.
    start();
    await at.database.transaction(async (tx) => {
      await outbox.publish(tx, 'e', 'k', 'early id, late commit');
      const other = at.open();
      await other.transaction((second) => new Outbox(other).publish(second, 'e', 'k', 'late id, early commit'));
      await eventually('the later id is published', () => sender.sent.length === 1);
    });
    await empty();
    expect(sender.bodies).to.deep.equal(['late id, early commit', 'early id, late commit']);
  });

  it('looks at once when it is woken', async () => {
    const relay = start({ pollInterval: '10m' });
    await eventually('it has looked', () => relay.stats.polls === 1);
    await put('urgent');
    relay.wake();
    await empty();
    expect(relay.stats.wakeUps).to.equal(1);
  });

  it('waits for what is in flight when it is stopped, and takes nothing more', async () => {
    let confirm: (value?: unknown) => void = () => {};
    sender.answer = () =>
      new Promise((resolve) => {
        confirm = resolve;
      });
    await put('in flight');
    const relay = start();
    await eventually('it is sent', () => sender.sent.length === 1);
    let stopped = false;
    const stop = relay[Symbol.asyncDispose]().then(() => {
      stopped = true;
    });
    await put('later');
    expect(stopped).to.equal(false);
    confirm();
    await stop;
    expect(relay.stop()).to.equal(relay.stop());
    expect((await rows()).map(({ attempts }) => Number(attempts))).to.deep.equal([0]);
    expect(relay.start().stats.polls).to.equal(relay.stats.polls);
  });

  it('stops within its time although the broker is silent', async () => {
    sender.answer = () => new Promise(() => {});
    await put('lost');
    const relay = start({ sendTimeout: 600 });
    await eventually('it is sent', () => sender.sent.length === 1);
    await relay.stop({ timeout: 20 });
    expect(await rows()).to.have.lengthOf(1);
    // What it had goes on by itself until the sender's time is up; the database must be open until then.
    await eventually('it has given up', () => relay.stats.outages === 1);
    await eventually('it has let go', async () => (await rows())[0]?.['locked_by'] === null);
  });
});

describe('OutboxRelay', () => {
  const database = (query: SqlDatabase['query']): SqlDatabase<unknown> => ({
    dialect: sqlite,
    service: 'test',
    query,
    within: () => ({ query }),
    transaction: (work) => work(undefined),
  });
  const row = {
    id: 1,
    attempts: 1,
    failures: 0,
    exchange: 'e',
    routing_key: 'k',
    properties: '{}',
    headers: '{}',
    mandatory: 1,
    body: Buffer.from('x'),
    order_key: null,
    size: 1,
  };
  /** Whether a statement finds the row: the first look at what is due, and the lease that follows. */
  const once = () => {
    let looks = 0;
    return (text: string) => {
      if (text.startsWith('SELECT id, exchange')) return ++looks === 1;
      return text.includes('RETURNING');
    };
  };

  it('goes on when the database comes back', async () => {
    let failures = 2;
    let leased = 0;
    const relay = new OutboxRelay(
      database(async () => {
        if (failures-- > 0) throw new Error('connection refused');
        leased++;
        return { rows: [], rowCount: 0 };
      }),
      new FakeSender(),
      { ...QUICK },
    ).start();
    await eventually('it has looked again', () => leased > 1);
    expect(relay.stats.databaseErrors).to.equal(2);
    await relay.stop();
  });

  it('tries again to delete what was confirmed, and does not publish it again meanwhile', async () => {
    let deletes = 0;
    const givenOnce = once();
    const sender = new FakeSender();
    const relay = new OutboxRelay(
      database(async (text) => {
        if (text.startsWith('DELETE') && ++deletes < 3) throw new Error('connection refused');
        return { rows: givenOnce(text) ? [row] : [], rowCount: 1 };
      }),
      sender,
      QUICK,
    ).start();
    await eventually('it is deleted', () => deletes === 3);
    await relay.stop();
    expect(relay.stats).to.include({ published: 1, databaseErrors: 2, lostLeases: 0 });
    expect(sender.sent).to.have.lengthOf(1);
  });

  it('counts a message that was confirmed when its lease had passed to another', async () => {
    const givenOnce = once();
    const relay = new OutboxRelay(
      database(async (text) => {
        return { rows: givenOnce(text) ? [row] : [], rowCount: text.startsWith('DELETE') ? 0 : 1 };
      }),
      new FakeSender(),
      QUICK,
    ).start();
    await eventually('it is counted', () => relay.stats.lostLeases === 1);
    await relay.stop();
  });

  const refused: readonly [OutboxRelayOptions, RegExp][] = [
    [{ batchSize: 0 }, /batchSize must be a whole number from 1 to 10000; got 0/],
    [{ maxFailures: 0 }, /maxFailures must be a whole number from 1/],
    [{ lease: 0 }, /lease must be more than 0 ms/],
    [{ pollInterval: 'often' as '1s' }, /pollInterval must be milliseconds/],
    [{ retention: 'long' as '7d' }, /retention must be milliseconds/],
  ];
  for (const [options, problem] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      const never = database(async () => ({ rows: [], rowCount: 0 }));
      expect(() => new OutboxRelay(never, new FakeSender(), options)).to.throw(problem);
    });
  }
});
