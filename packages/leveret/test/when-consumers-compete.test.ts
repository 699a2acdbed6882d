import { expect } from 'chai';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

onEachBroker('when consumers compete', (broker) => {
  it('starts as many consumers as concurrency says, each with its prefetch, handling one message at a time', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('compete'));
    let now = 0;
    let most = 0;
    let handled = 0;
    const listener = orderListener({ queue, concurrency: 3, prefetch: 7 }, async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 10));
      now--;
      handled++;
    });
    await using _running = await startApp(broker.url, { listeners: [listener] });
    expect(await raw.consumers(queue)).to.equal(3);
    const consumers = await broker.management.consumers(queue);
    expect(consumers.map(({ prefetch_count }) => prefetch_count)).to.deep.equal([7, 7, 7]);
    for (let id = 0; id < 30; id++) await raw.send(queue, { id });
    await eventually('all handled', () => handled === 30);
    expect(most).to.equal(3);
  });

  it('handles in order with one consumer, whatever it prefetches', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('order'));
    const handled: number[] = [];
    const listener = orderListener({ queue }, async (order) => {
      await new Promise((resolve) => setTimeout(resolve, (7 - order.id) % 3));
      handled.push(order.id);
    });
    await using _running = await startApp(broker.url, { listeners: [listener] });
    for (let id = 0; id < 20; id++) await raw.send(queue, { id });
    await eventually('all handled', () => handled.length === 20);
    expect(handled).to.deep.equal([...handled].sort((a, b) => a - b));
  });

  it('has an exclusive consumer take over when the first one goes [spring 68]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('exclusive'));
    const handled: string[] = [];
    const listener = (name: string) =>
      orderListener({ queue, exclusive: true, id: name }, (order) => handled.push(`${name} ${order.id}`));
    await using first = await startApp(broker.url, { listeners: [listener('first')] });
    await using second = await startWaiting();
    await eventually('the second one refused', () =>
      second.of('interrupted').some(({ cause }) => cause === 'queue-in-use'),
    );
    await raw.send(queue, { id: 1 });
    await eventually('the first order', () => handled.length === 1);
    await first.app.close();
    await raw.send(queue, { id: 2 });
    await eventually('the second order', () => handled.length === 2);
    expect(handled).to.deep.equal(['first 1', 'second 2']);

    // Its start would wait for the queue to be free: the listener is started by hand instead.
    async function startWaiting() {
      const options = { queue, exclusive: true, id: 'second', autoStart: false };
      const running = await startApp(broker.url, {
        listeners: [orderListener(options, (order) => handled.push(`second ${order.id}`))],
      });
      running.app.listeners
        .get('second')
        .start()
        .catch(() => undefined);
      return running;
    }
  });

  it('prefers the consumer of higher priority while it has room', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('priority'));
    const handled: string[] = [];
    const listener = (name: string, priority: number) =>
      orderListener({ queue, priority, prefetch: 100, id: name }, () => handled.push(name));
    await using _running = await startApp(broker.url, { listeners: [listener('low', 1), listener('high', 10)] });
    for (let id = 0; id < 20; id++) await raw.send(queue, { id });
    await eventually('all handled', () => handled.length === 20);
    expect(handled).to.deep.equal(Array(20).fill('high'));
  });

  it('lets one consumer at a time work on a queue with a single active consumer, and the next take over', async () => {
    const raw = await broker.raw();
    const queue = unique('single');
    const handled: string[] = [];
    const listener = (name: string) =>
      orderListener({ queue: { name: queue, singleActiveConsumer: true }, id: name }, () => handled.push(name));
    await using running = await startApp(broker.url, { listeners: [listener('a')] });
    await using _second = await startApp(broker.url, { listeners: [listener('b')] });
    for (let id = 0; id < 4; id++) await raw.send(queue, { id });
    await eventually('all handled', () => handled.length === 4);
    await running.app.close();
    await raw.send(queue, { id: 5 });
    await eventually('the next', () => handled.length === 5);
    expect(handled).to.deep.equal(['a', 'a', 'a', 'a', 'b']);
  });
});
