import { expect } from 'chai';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachMortalBroker, type PrivateBroker } from './support/private-broker.js';
import { report } from './support/resumption.js';
import { type Running, startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

const RESTART_LIMIT_MS = 150_000;

onEachMortalBroker('when the broker goes away while consuming', (broker) => {
  for (const [how, goAway] of [
    ['is stopped', (node: PrivateBroker) => node.stop()],
    ['is killed', (node: PrivateBroker) => node.kill()],
  ] as const) {
    it(`and ${how}: consumes again once it is back, declares everything again, and loses nothing`, async () => {
      const queue = unique('orders');
      const exchange = unique('orders.topic');
      const transient = unique('transient');
      const handled: number[] = [];
      const listener = orderListener(
        {
          queue: { name: queue },
          bindings: { exchange: { name: exchange, type: 'topic' }, routingKey: 'order.#' },
          prefetch: 5,
        },
        async (order) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          handled.push(order.id);
        },
      );
      const passing = orderListener(
        // Not durable: it is gone after the restart, and nobody but the application makes it again.
        { queue: { name: transient, durable: false, autoDelete: true }, bindings: { exchange: 'amq.fanout' } },
        (order) => handled.push(order.id),
      );
      await using running = await startApp(broker.url, { listeners: [listener, passing] });
      await broker.keepDeclarations();
      const before = await broker.raw();
      for (let id = 1; id <= 60; id++) await before.publish(exchange, 'order.new', { id });
      await eventually('handlers at work', () => handled.length >= 5);
      await goAway(broker);
      await eventually('the interruption', () => running.count('interrupted') >= 2);
      await broker.start();
      const answeredAt = performance.now();
      const raw = await broker.raw();
      await consumingAgain(running, queue, transient);
      report(broker.name, `the broker ${how} and started, from when it answers`, performance.now() - answeredAt);
      await eventually('every order', () => new Set(handled).size === 60, 30_000);
      await raw.publish('amq.fanout', '', { id: 61 });
      await eventually('the order for the transient queue', () => handled.includes(61));
      await running.app.close();
      expect(await raw.ready(queue)).to.equal(0);
      expect(running.count('listener-failed')).to.equal(0);
    }).timeout(RESTART_LIMIT_MS);
  }

  it('hands a message that was being handled out again, marked as redelivered', async () => {
    const queue = unique('held');
    const redelivered: boolean[] = [];
    const signals: boolean[] = [];
    const listener = orderListener({ queue: { name: queue } }, async (_order, { redelivered: again, signal }) => {
      redelivered.push(again);
      if (again) return;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      signals.push(signal.aborted);
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    await broker.keepDeclarations();
    await (await broker.raw()).send(queue, { id: 1 });
    await eventually('the handler at work', () => redelivered.length === 1);
    await broker.kill();
    await eventually('its signal', () => signals.length === 1);
    await broker.start();
    await eventually('the second delivery', () => running.count('handled') === 1, 30_000);
    expect(redelivered).to.deep.equal([false, true]);
  }).timeout(RESTART_LIMIT_MS);
});

/** Both listeners consume again. */
function consumingAgain(running: Running, ...queues: readonly string[]): Promise<unknown> {
  return eventually(
    'both listeners consuming again',
    () => queues.every((queue) => running.of('consuming').some((event) => event.queue === queue && event.again)),
    30_000,
  );
}
