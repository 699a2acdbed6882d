import { ConfigurationError, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { Outbox, type OutboxPublishOptions } from '../outbox/outbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { FakeSender } from '../test-support/fake-sender.js';
import { rejection } from '../test-support/rejection.js';
import { OutboxRelay } from './outbox-relay.js';

describeOnEachDatabase('OutboxRelay with messages for later', (at) => {
  let outbox: Outbox<unknown>;
  let sender: FakeSender;
  let relay: OutboxRelay<unknown> | undefined;

  beforeEach(() => {
    outbox = new Outbox(at.database);
    sender = new FakeSender();
  });
  afterEach(async () => {
    await relay?.stop();
    relay = undefined;
    await at.database.query('DELETE FROM leveret_outbox');
  });

  // It would not look again by itself.
  const start = () => {
    const options = { pollInterval: 600_000, retention: false, logger: silentLogger } as const;
    relay = new OutboxRelay(at.database, sender, options).start();
  };
  const put = (payload: string, options: OutboxPublishOptions = {}) =>
    at.database.transaction((tx) => outbox.publish(tx, 'e', 'k', payload, options));

  it('publishes each when its time comes, not before, and the others at once', async () => {
    const sentAt = new Map<string, number>();
    sender.answer = ({ body }) => {
      sentAt.set(body.toString(), Date.now());
      return undefined;
    };
    const deliverAt = new Date(Date.now() + 700);
    const written = Date.now();
    await put('third', { deliverAt });
    await put('second', { delay: 300 });
    await put('first');
    await put('past', { deliverAt: new Date(0) });
    start();
    await eventually('all are sent', () => sender.sent.length === 4);
    expect(sender.bodies.slice(2)).to.deep.equal(['second', 'third']);
    expect(sentAt.get('second')).to.be.at.least(written + 300);
    expect(sentAt.get('third')).to.be.at.least(deliverAt.getTime());
  });

  it('looks when the next one is due that it is told of', async () => {
    start();
    await put('later', { delay: '400ms' });
    relay?.wake();
    await eventually('it is sent', () => sender.sent.length === 1);
  });

  it('counts them apart, and nobody is behind with them', async () => {
    await put('tomorrow', { delay: '1d' });
    await put('the day after', { deliverAt: new Date(Date.now() + 2 * 86_400_000) });
    expect(await outbox.counts()).to.deep.equal({
      pending: 2,
      scheduled: 2,
      parked: 0,
      heldUp: 0,
      oldestPendingMs: 0,
    });
    await put('now');
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { scheduled, pending, oldestPendingMs } = await outbox.counts();
    expect([scheduled, pending]).to.deep.equal([2, 3]);
    expect(oldestPendingMs).to.be.within(1, 60_000);
  });

  for (const [what, options, text] of [
    ['a delay with an order key', { delay: '1s', orderKey: 'a' }, /orderKey does not go with delay and deliverAt/],
    ['a delay and a date', { delay: '1s', deliverAt: new Date() }, /give one of them/],
    ['a delay that is none', { delay: 'soon' as '1s' }, /publish option delay must be a duration/],
    ['a date that is none', { deliverAt: new Date(Number.NaN) }, /publish option deliverAt must be a valid Date/],
    ['a delay of ten years', { delay: '3650d' }, /at most 8.5 years/],
  ] as const) {
    it(`refuses ${what}, and writes nothing`, async () => {
      const error = await rejection(put('never', options));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error.message).to.match(text);
      expect(await outbox.counts()).to.include({ pending: 0 });
    });
  }
});
