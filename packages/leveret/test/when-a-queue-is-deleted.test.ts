import { expect } from 'chai';
import { it } from 'mocha';
import { eventually, gate } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { Resumption, report } from './support/resumption.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

onEachBroker('when a queue is deleted under its consumers', (broker) => {
  it('declares it again with its bindings and consumes, while its neighbours go on [spring 62, 63]', async () => {
    const raw = await broker.raw();
    const [victim, neighbour, exchange] = [unique('victim'), unique('neighbour'), unique('orders')];
    const resumption = new Resumption(raw, victim);
    const neighbours: number[] = [];
    const bindings = { exchange: { name: exchange, type: 'direct' }, routingKey: 'order' };
    const listeners = [
      orderListener({ queue: { name: victim }, bindings, concurrency: 2, sharedChannel: false }, resumption.took),
      orderListener({ queue: { name: neighbour }, concurrency: 2, sharedChannel: false }, (order) =>
        neighbours.push(order.id),
      ),
    ];
    await using running = await startApp(broker.url, { listeners });
    await resumption.untilTaken();
    const at = performance.now();
    await raw.deleteQueue(victim);
    await eventually('both consumers again', () => running.of('consuming').filter(({ again }) => again).length === 2);
    report(broker.name, 'its queue is deleted', performance.now() - at);
    await raw.publish(exchange, 'order', { id: 5 });
    await eventually('the order by its binding', () => resumption.ids.includes(5));
    await raw.send(neighbour, { id: 6 });
    await eventually('the neighbour’s order', () => neighbours.length === 1);
    expect(running.of('interrupted').map(({ queue, cause }) => [queue, cause])).to.deep.equal([
      [victim, 'cancelled'],
      [victim, 'cancelled'],
    ]);
    expect(running.count('disconnected')).to.equal(0);
    expect(await raw.consumers(victim)).to.equal(2);
    expect(await raw.consumers(neighbour)).to.equal(2);
  });

  it('waits for a queue that is not the application’s own, and takes it up when somebody declares it [spring 63]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('foreign'));
    const resumption = new Resumption(raw, queue);
    const listener = orderListener({ queue, declare: false }, resumption.took);
    await using running = await startApp(broker.url, { listeners: [listener] });
    await raw.deleteQueue(queue);
    await eventually('the missing queue noticed', () => running.of('interrupted').at(-1)?.cause === 'queue-missing');
    expect(running.app.health().status).to.equal('degraded');
    expect(await raw.ready(queue)).to.equal(undefined);
    const at = performance.now();
    await raw.declare(queue);
    const ms = await resumption.untilTaken(at);
    report(broker.name, 'a foreign queue is deleted, from when it is declared again', ms);
    expect(running.app.health().status).to.equal('up');
    expect(running.count('listener-failed')).to.equal(0);
  });

  it('settles what the handler still holds, although the message is gone with its queue', async () => {
    const raw = await broker.raw();
    const queue = unique('victim');
    const held = gate();
    const handled: number[] = [];
    const listener = orderListener({ queue: { name: queue } }, async (order) => {
      if (order.id === 1) await held.opened;
      handled.push(order.id);
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the handler at work', () => running.count('received') === 1);
    await raw.deleteQueue(queue);
    await eventually('consuming again', () => running.count('consuming') === 2);
    held.open();
    await raw.send(queue, { id: 2 });
    await eventually('both handled', () => handled.length === 2);
    expect(running.count('interrupted')).to.equal(1);
  });

  it('declares an auto-delete queue again when its listener is started again [spring 61]', async () => {
    const raw = await broker.raw();
    const queue = unique('fleeting');
    const resumption = new Resumption(raw, queue);
    const options = {
      queue: { name: queue, autoDelete: true },
      bindings: { exchange: 'amq.topic', routingKey: queue },
    };
    const listener = orderListener({ ...options, id: 'fleeting' }, resumption.took);
    await using running = await startApp(broker.url, { listeners: [listener] });
    const handle = running.app.listeners.get('fleeting');
    await handle.stop();
    await eventually('the queue gone', async () => (await raw.ready(queue)) === undefined);
    await handle.start();
    await raw.publish('amq.topic', queue, { id: 1 });
    await eventually('the order', () => resumption.ids.includes(1));
  });

  it('declares an expired queue again when its listener is started again [spring 61]', async () => {
    const raw = await broker.raw();
    const queue = unique('expiring');
    const resumption = new Resumption(raw, queue);
    const listener = orderListener({ queue: { name: queue, expires: 100 }, id: 'expiring' }, resumption.took);
    await using running = await startApp(broker.url, { listeners: [listener] });
    const handle = running.app.listeners.get('expiring');
    await handle.stop();
    // Looking at it with a passive declare would keep it alive.
    await eventually('the queue gone', async () => !(await broker.management.has(queue)));
    await handle.start();
    await resumption.untilTaken();
  });
});
