import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { RawClient } from '../testing/raw-client.support.test.js';
import { eventually, expectLines, Situation } from '../testing/situation.support.test.js';

const LIMIT = 2_000_000;
const BODY = Buffer.alloc(1_000, 'b');

/** Publishes until the broker does not read any more. */
async function flood(client: RawClient, exchange: string, routingKey: () => string): Promise<void> {
  for (let sent = 0; sent < 200_000; sent += 100) {
    for (let i = 0; i < 100; i++) client.publish(1, exchange, routingKey(), BODY);
    await new Promise((resolve) => setImmediate(resolve));
    if (client.seen.some(({ name }) => name === 'connection.blocked')) return;
  }
  throw new Error('expected to be blocked, was read to the end');
}

function held(situation: Situation): number {
  return situation.broker.queues().reduce((sum, { ready, unacked }) => sum + (ready + unacked) * BODY.length, 0);
}

describe('when memory runs low', () => {
  it('blocks who publishes, and reads on once there is room', async () => {
    await using situation = await Situation.start({ memoryLimitBytes: LIMIT });
    const publisher = await situation.client();
    const consumer = await situation.client();
    await consumer.call(1, 'queue.declare', { queue: 'q' });
    await flood(publisher, '', () => 'q');
    expect(publisher.seen.map(({ method }) => method?.text('reason'))).to.deep.equal(['low on memory']);
    expect(held(situation)).to.be.within(LIMIT / 2, LIMIT * 1.3);
    // Who does not publish is served all the same.
    expect((await consumer.call(1, 'queue.purge', { queue: 'q' })).name).to.equal('queue.purge-ok');
    await publisher.next('connection.unblocked');
    expect(situation.broker.connections.filter(({ blocked }) => blocked).length).to.be.below(2);
  });

  it('counts what consumers hold, too', async () => {
    await using situation = await Situation.start({ memoryLimitBytes: LIMIT });
    const publisher = await situation.client();
    const consumer = await situation.client();
    await consumer.call(1, 'queue.declare', { queue: 'q' });
    await consumer.call(1, 'basic.consume', { queue: 'q', consumerTag: 't' });
    await flood(publisher, '', () => 'q');
    expect(situation.broker.queue('q')?.unacked).to.be.above(1_000);
    consumer.send(1, 'basic.ack', { deliveryTag: 0, multiple: true });
    await publisher.next('connection.unblocked');
  });

  it('holds for 1,500 queues together, by direct publishes and by one exchange to all of them', async () => {
    await using situation = await Situation.start({ memoryLimitBytes: 20_000_000 });
    const admin = await situation.client();
    for (let i = 0; i < 1_500; i++) {
      admin.send(1, 'queue.declare', { queue: `q${i}`, nowait: true });
      admin.send(1, 'queue.bind', { queue: `q${i}`, exchange: 'amq.fanout', nowait: true });
    }
    await expectLines(admin, []);
    const direct = await situation.client();
    let next = 0;
    await flood(direct, '', () => `q${next++ % 1_500}`);
    expect(held(situation)).to.be.below(30_000_000);
    direct.destroy();
    for (let i = 0; i < 1_500; i++) admin.send(1, 'queue.purge', { queue: `q${i}`, nowait: true });
    await expectLines(admin, []);
    const fanning = await situation.client();
    await flood(fanning, 'amq.fanout', () => '');
    expect(held(situation)).to.be.below(30_000_000);
  }).timeout(30_000);

  it('counts bodies that are not whole yet, and transactions that are not committed', async () => {
    await using situation = await Situation.start({ memoryLimitBytes: LIMIT });
    const partial = await situation.client();
    const header = Buffer.alloc(14);
    header.writeUInt16BE(60);
    header.writeUInt32BE(10_000_000, 8);
    partial.send(1, 'basic.publish', { routingKey: 'nowhere' });
    partial.frame(2, 1, header);
    for (let i = 0; i < 60; i++) partial.frame(3, 1, Buffer.alloc(100_000));
    await partial.next('connection.blocked');
    situation.broker.faults.cutConnections();
    await eventually(() => expect(situation.broker.connections).to.deep.equal([]));
    const other = await situation.client();
    other.send(1, 'tx.select');
    await flood(other, '', () => 'nowhere');
  });

  it('stays blocked as long as one of two alarms holds', async () => {
    await using situation = await Situation.start({ memoryLimitBytes: LIMIT });
    const publisher = await situation.client();
    const admin = await situation.client();
    await admin.call(1, 'queue.declare', { queue: 'q' });
    await flood(publisher, '', () => 'q');
    situation.broker.faults.block('on order');
    situation.broker.faults.unblock();
    expect(situation.broker.connections.some(({ blocked }) => blocked)).to.equal(true);
  });

  it('refuses a limit that is none', async () => {
    for (const memoryLimitBytes of [0, -1, 1.5, Number.NaN]) {
      const started = Situation.start({ memoryLimitBytes }).then(
        () => 'started',
        (error: unknown) => String(error),
      );
      expect(await started).to.contain('memoryLimitBytes: expected a whole number');
    }
  });
});
