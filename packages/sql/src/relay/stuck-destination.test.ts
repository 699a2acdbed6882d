import { LeveretError, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { SqlDatabase } from '../database/sql-database.js';
import { sqlite } from '../database/sql-dialect.js';
import { Outbox } from '../outbox/outbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { FakeSender, nacked } from '../test-support/fake-sender.js';
import { OutboxRelay } from './outbox-relay.js';
import type { OutboxRelayOptions } from './relay-options.js';

const QUICK: OutboxRelayOptions = {
  pollInterval: 20,
  initialInterval: 10,
  maxInterval: 40,
  retention: false,
  logger: silentLogger,
};

/** As a queue that has lost its majority: no answer, and after a while the publisher says so. */
const unanswered = (ms: number) =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new LeveretError('LEV_PUBLISH_CONFIRM_TIMEOUT', 'no answer')), ms);
  });

describeOnEachDatabase('OutboxRelay and what is never confirmed', (at) => {
  let outbox: Outbox<unknown>;
  let sender: FakeSender;
  const relays: OutboxRelay<unknown>[] = [];

  beforeEach(() => {
    outbox = new Outbox(at.database);
    sender = new FakeSender();
  });
  afterEach(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.stop({ timeout: '1s' })));
    await at.database.query('DELETE FROM leveret_outbox');
  });

  const start = (options: OutboxRelayOptions = {}) => {
    const relay = new OutboxRelay(at.database, sender, { ...QUICK, ...options });
    relays.push(relay);
    return relay.start();
  };
  const put = (count: number, routingKey: string) =>
    at.database.transaction(async (tx) => {
      for (let n = 0; n < count; n++) await outbox.publish(tx, 'e', routingKey, `${routingKey} ${n}`);
    });
  const published = (key: string) => sender.bodies.filter((body) => body.startsWith(key)).length;

  it('publishes all others while one of their destination has no answer, and parks that one after its attempts', async () => {
    let giveUp: (() => void) | undefined;
    sender.answer = ({ body }) => {
      if (body.toString() !== 'same 0') return undefined;
      return new Promise((_, reject) => {
        giveUp = () => reject(new LeveretError('LEV_PUBLISH_CONFIRM_TIMEOUT', 'no answer'));
      });
    };
    await put(1, 'same');
    const relay = start({ batchSize: 4, maxFailures: 3 });
    for (let attempt = 1; attempt <= 3; attempt++) {
      await eventually('it is sent', () => published('same') === attempt);
      await put(20, 'others');
      await eventually('all others are gone', () => published('others') === 20 * attempt);
      giveUp?.();
    }
    await eventually('it is parked', () => relay.stats.parked === 1);
    expect(relay.stats).to.include({ refused: 3, parked: 1, outages: 0 });
    expect((await outbox.parked())[0]?.error).to.equal('LEV_PUBLISH_CONFIRM_TIMEOUT: no answer');
  });

  it('publishes what goes elsewhere while a destination answers to nothing', async () => {
    sender.answer = ({ routingKey }) => (routingKey === 'mute' ? new Promise(() => {}) : undefined);
    await put(30, 'mute');
    await put(30, 'good');
    start({ batchSize: 5 });
    await eventually('the good ones are gone', () => published('good') === 30);
    // Its share, and one more each time to see whether it answers.
    expect(published('mute')).to.be.within(5, 7);
  });

  it('counts nothing while nobody answers to anything', async () => {
    sender.answer = () => unanswered(20);
    await put(5, 'any');
    const relay = start({ maxFailures: 1 });
    await eventually('all were tried', () => relay.stats.outages >= 5);
    sender.answer = () => undefined;
    await eventually('all are gone', () => relay.stats.published === 5);
    expect(relay.stats).to.include({ parked: 0, refused: 0 });
  });

  it('parks a message that ends its channel each time, and publishes the others', async () => {
    const lost = () => new LeveretError('LEV_PUBLISH_CHANNEL_LOST', 'the connection was closed');
    sender.answer = ({ body }) => (body.toString() === 'guilty 0' ? lost() : undefined);
    await put(1, 'guilty');
    await put(3, 'good');
    const relay = start({ maxFailures: 3 });
    await eventually('it is parked', () => relay.stats.parked === 1 && published('good') === 3);
    expect(published('guilty')).to.equal(3);
  });

  it('goes on at once with a key whose first message was discarded, and with the rest in order', async () => {
    sender.answer = ({ body }) => (body.toString() === 'k0' ? nacked() : undefined);
    await at.database.transaction(async (tx) => {
      for (let n = 0; n < 40; n++) await outbox.publish(tx, 'e', 'r', `k${n}`, { orderKey: 'k' });
    });
    const relay = start({ maxFailures: 1, pollInterval: '10m' });
    await eventually('it is parked', async () => (await outbox.counts()).parked === 1);
    expect(await outbox.counts()).to.include({ pending: 39, heldUp: 39 });
    expect(await outbox.discard('all')).to.equal(1);
    relay.wake();
    await eventually('the others are gone', () => relay.stats.published === 39);
    expect(sender.bodies.slice(1)).to.deep.equal(Array.from({ length: 39 }, (_, n) => `k${n + 1}`));
  });

  it('sends what was tried last behind what has just come', async () => {
    let full = true;
    sender.answer = ({ routingKey }) => (full && routingKey === 'old' ? nacked() : undefined);
    await put(1, 'old');
    const first = start({ initialInterval: '5m', maxInterval: '5m' });
    await eventually('it was refused', () => first.stats.refused === 1);
    await first.stop();
    full = false;
    await put(3, 'new');
    // Ten minutes later.
    await at.database.query('UPDATE leveret_outbox SET due_at = due_at - 600000');
    const relay = start();
    await eventually('all are gone', () => relay.stats.published === 4);
    expect(sender.bodies).to.deep.equal(['old 0', 'new 0', 'new 1', 'new 2', 'old 0']);
  });

  it('has no more bytes on their way than it may', async () => {
    let flying = 0;
    let most = 0;
    sender.answer = ({ body }) => {
      flying += body.byteLength;
      most = Math.max(most, flying);
      return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        flying -= body.byteLength;
      });
    };
    await at.database.transaction(async (tx) => {
      for (const size of [40_000, 40_000, 300_000, 40_000, 40_000, 40_000, 40_000])
        await outbox.publish(tx, 'e', 'k', Buffer.alloc(size));
    });
    const relay = start({ batchBytes: 100_000 });
    await eventually('all are gone', () => relay.stats.published === 7);
    expect(most).to.equal(300_000);
  });
});

describe('OutboxRelay and a database in which transactions are in each other’s way', () => {
  it('leases again at once, and takes it for no outage', async () => {
    let asked = 0;
    const query = async () => {
      if (++asked < 4) throw Object.assign(new Error('could not serialize access'), { code: '40001' });
      return { rows: [], rowCount: 0 };
    };
    const database: SqlDatabase<unknown> = {
      dialect: sqlite,
      service: 'test',
      query,
      within: () => ({ query }),
      transaction: (work) => work(undefined),
    };
    const relay = new OutboxRelay(database, new FakeSender(), QUICK).start();
    await eventually('it has looked', () => asked > 4);
    await relay.stop();
    expect(relay.stats).to.include({ databaseErrors: 0 });
  });
});
