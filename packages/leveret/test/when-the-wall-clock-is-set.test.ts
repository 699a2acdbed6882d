import { type Clock, systemClock } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { eventually, gate } from './support/eventually.js';
import { type Order, orderListener } from './support/order.js';
import { onEachMortalBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

const HOUR = 3_600_000;

onEachMortalBroker('when the wall clock is set', function (broker) {
  this.timeout(120_000);
  let offsetMs: number;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + offsetMs };
  beforeEach(() => {
    offsetMs = 0;
  });
  afterEach(() => broker.start());

  for (const [how, jumpMs] of [
    ['back', -HOUR],
    ['forward', HOUR],
  ] as const) {
    it(`reconnects, retries, publishes and closes as ever when it is set ${how} an hour`, async () => {
      const queue = unique('clock');
      const calls: Order[] = [];
      const held = gate();
      const listener = orderListener({ queue, retry: { maxAttempts: 2, initialInterval: '1s' } }, async (order) => {
        calls.push(order);
        if (order.id === 1 && calls.length === 1) throw new Error('broken');
        if (order.id === 2) await held.opened;
      });
      await using running = await startApp(broker.url, { listeners: [listener], clock });
      const { publisher } = running.app;
      await publisher.publish('', queue, { id: 1 });
      await eventually('a retry waiting', () => running.count('retried') === 1);
      offsetMs = jumpMs;
      const retriedAt = performance.now();
      await eventually('the retry', () => running.count('handled') === 1);
      expect(performance.now() - retriedAt).to.be.within(800, 3000);

      await broker.stop();
      await eventually('both connections lost', () => running.count('disconnected') >= 2);
      offsetMs = 0;
      await broker.start();
      const upAt = performance.now();
      await eventually('consuming again', () => running.count('consuming') === 2);
      expect(performance.now() - upAt).to.be.below(4000);
      offsetMs = jumpMs;
      const receipt = await publisher.publish('', queue, { id: 2 });
      expect(receipt.confirmMs).to.be.within(0, 5000);
      // The ack of the first may have been lost with the broker: then it came again before this one.
      await eventually('the handler at work', () => calls.at(-1)?.id === 2);

      const closing = running.app.close({ timeout: 600 });
      const closedFrom = performance.now();
      offsetMs = 0;
      await closing;
      held.open();
      expect(performance.now() - closedFrom).to.be.within(550, 4000);
    });
  }
});
