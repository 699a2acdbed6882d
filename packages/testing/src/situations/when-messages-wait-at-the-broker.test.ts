import { expect } from 'chai';
import { RetryAfter } from 'leveret';
import { describe, it } from 'mocha';
import { TestHarness } from '../index.js';
import { orderSample } from '../test-support/orders.js';

for (const version of ['3.10', '4.0', '4.3'] as const) {
  describe(`when messages wait at an embedded broker of ${version}`, () => {
    const broker = { version };

    it('redelivers over hours in no time, none early, and parks what has had its redeliveries', async () => {
      const sample = orderSample({
        retry: { maxAttempts: 2, initialInterval: '1s' },
        redeliver: { delays: ['10s', '1m', '10m', '6h'] },
      });
      const at: number[] = [];
      await using harness = await TestHarness.start({
        broker,
        listeners: [sample.Orders],
        topology: sample.topology,
        overrides: sample.overrides(async () => {
          at.push(harness.clock.now());
          throw new Error('down');
        }),
        expectFailures: true,
      });
      const listener = harness.listener(sample.Orders, 'onOrder');
      await harness.publish('', sample.queue, { id: 1 });
      await harness.advance('1s');
      expect(listener.calls.map(({ attempt }) => attempt)).to.deep.equal([1, 2]);
      expect(listener.outcomes).to.deep.equal(['redelivery']);
      const began = performance.now();
      await harness.advance('9999ms');
      expect(at).to.have.lengthOf(2);
      await harness.advance('7h');
      expect(performance.now() - began).to.be.below(5000);
      expect(listener.calls.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      const waits = [2, 4, 6, 8].map((index) => at[index]! - at[index - 1]!);
      expect(waits).to.deep.equal([10_000, 60_000, 600_000, 21_600_000]);
      expect(listener.outcomes).to.deep.equal([...Array(4).fill('redelivery'), 'recovered']);
      const [parked] = await harness.queue(sample.errorQueue).messages;
      expect(parked?.headers).to.include({ 'x-leveret-attempts': 10, 'x-leveret-redeliveries': 4 });
    });

    it('brings back what was published for years ahead', async () => {
      const sample = orderSample();
      const at: number[] = [];
      await using harness = await TestHarness.start({
        broker,
        listeners: [sample.Orders],
        topology: sample.topology,
        overrides: sample.overrides(async () => `${at.push(harness.clock.now())}`),
      });
      const start = harness.clock.now();
      const year = 365 * 86_400_000;
      await harness.app.publisher.sendToQueue(sample.queue, { id: 1 }, { delay: '15m' });
      await harness.app.publisher.sendToQueue(sample.queue, { id: 2 }, { deliverAt: new Date(start + 8 * year) });
      await harness.advance('14m');
      expect(at).to.deep.equal([]);
      await harness.advance('1m');
      expect(at).to.deep.equal([start + 900_000]);
      await harness.advance(8.01 * year);
      expect(at).to.have.lengthOf(2);
      expect(at[1]! - start).to.be.within(8 * year, 8.004 * year);
    });

    it('waits as long as the handler says', async () => {
      const sample = orderSample({ redeliver: { delays: ['10s'], retryAfter: () => '90s' } });
      const at: number[] = [];
      await using harness = await TestHarness.start({
        broker,
        listeners: [sample.Orders],
        topology: sample.topology,
        overrides: sample.overrides(async () => {
          at.push(harness.clock.now());
          if (at.length === 1) throw new RetryAfter('2h', { counts: false });
          if (at.length === 2) throw new Error('503');
          return 'paid';
        }),
        expectFailures: true,
      });
      await harness.publish('', sample.queue, { id: 1 });
      await harness.advance('3h');
      expect([at[1]! - at[0]!, at[2]! - at[1]!]).to.deep.equal([7_200_000, 90_000]);
    });

    it('has the queue itself hold them back where it can', async () => {
      const run = orderSample();
      const sample = orderSample({
        ...{ retry: { maxAttempts: 2, initialInterval: '1s' }, redeliver: true },
        queue: { name: run.queue, type: 'quorum' },
      } as object);
      const at: number[] = [];
      const published: string[] = [];
      await using harness = await TestHarness.start({
        broker,
        listeners: [sample.Orders],
        topology: sample.topology,
        overrides: sample.overrides(async () => {
          at.push(harness.clock.now());
          throw new Error('down');
        }),
        publisher: { beforePublish: (publication) => publication },
        onEvent: (event) => void (event.type === 'redelivery' && published.push(event.way)),
        expectFailures: true,
      });
      await harness.publish('', run.queue, { id: 1 });
      const before = harness.app.publisher.stats.confirmed;
      await harness.advance('1h');
      const waits = [2, 4, 6].map((index) => at[index]! - at[index - 1]!);
      expect(waits).to.deep.equal([10_000, 20_000, 30_000]);
      const way = version === '4.3' ? 'native' : 'ladder';
      expect(published).to.deep.equal([way, way, way]);
      // The recoverer publishes one.
      const copies = harness.app.publisher.stats.confirmed - before;
      expect(copies).to.equal(version === '4.3' ? 1 : 4);
      const [parked] = await harness.queue(sample.errorQueue).messages;
      expect(parked?.headers).to.include({ 'x-leveret-attempts': 8, 'x-leveret-redeliveries': 3 });
    });
  });
}
