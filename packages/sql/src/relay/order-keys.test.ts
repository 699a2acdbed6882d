import { silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
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

describeOnEachDatabase('OutboxRelay with order keys', (at) => {
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
    relays.push(new OutboxRelay(database, sender, { ...QUICK, ...options }).start());
  };
  const put = (payload: string, orderKey?: string) =>
    at.database.transaction((tx) => outbox.publish(tx, 'e', 'k', payload, orderKey === undefined ? {} : { orderKey }));
  const empty = () => eventually('the outbox is empty', async () => (await outbox.counts()).pending === 0);

  it('publishes one of a key at a time, in order, and several keys beside each other', async () => {
    const flying = new Map<string, number>();
    let most = 0;
    let together = 0;
    sender.answer = ({ body }) => {
      const key = body.toString().slice(0, 1);
      flying.set(key, (flying.get(key) ?? 0) + 1);
      most = Math.max(most, flying.get(key) ?? 0);
      together = Math.max(together, [...flying.values()].filter((count) => count > 0).length);
      return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        flying.set(key, (flying.get(key) ?? 0) - 1);
      });
    };
    await at.database.transaction(async (tx) => {
      for (let n = 0; n < 8; n++) {
        for (const key of ['a', 'b', 'c']) await outbox.publish(tx, 'e', 'k', `${key}${n}`, { orderKey: key });
      }
    });
    for (let n = 0; n < 3; n++) start({ batchSize: 5 }, at.open());
    await empty();
    for (const key of ['a', 'b', 'c']) {
      const got = sender.bodies.filter((body) => body.startsWith(key));
      expect(got).to.deep.equal(Array.from({ length: 8 }, (_, n) => `${key}${n}`));
    }
    expect(most).to.equal(1);
    expect(together).to.be.greaterThan(1);
  });

  it('holds the rest of a key back while its first message is refused, and others not', async () => {
    let full = true;
    sender.answer = ({ body }) => (full && body.toString() === 'a0' ? nacked() : undefined);
    for (const [body, orderKey] of [
      ['a0', 'a'],
      ['a1', 'a'],
      ['b0', 'b'],
    ] as const)
      await put(body, orderKey);
    start({ initialInterval: 50, maxInterval: 50 });
    await eventually('a0 was refused twice', () => sender.bodies.filter((body) => body === 'a0').length > 1);
    expect(sender.bodies).to.include('b0').and.not.include('a1');
    full = false;
    await empty();
    expect(sender.bodies.filter((body) => body !== 'a0')).to.deep.equal(['b0', 'a1']);
    expect(sender.bodies.at(-1)).to.equal('a1');
  });

  it('holds a key up behind a parked message until a person decides', async () => {
    sender.answer = ({ body }) => (body.toString() === 'a0' ? nacked() : undefined);
    await put('a0', 'a');
    await put('a1', 'a');
    start({ maxFailures: 1 });
    await eventually('a0 is parked', async () => (await outbox.counts()).parked === 1);
    await put('free');
    await eventually('the free one is gone', async () => (await outbox.counts()).pending === 1);
    expect(sender.bodies).to.include('free');
    expect(await outbox.counts()).to.include({ parked: 1, heldUp: 1 });
    await outbox.discard('all');
    await empty();
    expect(sender.bodies.at(-1)).to.equal('a1');
  });
});
