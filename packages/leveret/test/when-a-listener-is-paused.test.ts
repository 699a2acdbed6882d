import { expect } from 'chai';
import { Leveret, silentLogger } from 'leveret';
import { it } from 'mocha';
import { eventually, gate } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when a listener is paused', function (broker) {
  this.timeout(60_000);

  for (const type of ['classic', 'quorum'] as const) {
    it(`handles nothing of a ${type} queue until it is resumed, over a cut connection, and then everything once`, async () => {
      const raw = await broker.raw();
      await using proxy = await TcpProxy.start(broker.port);
      const queue = unique('pause');
      const handled: number[] = [];
      const listener = orderListener(
        { queue: { name: queue, type }, id: queue, concurrency: 2, prefetch: 10 },
        ({ id }) => {
          handled.push(id);
        },
      );
      await using running = await startApp(proxy.url, { listeners: [listener] });
      for (let id = 0; id < 50; id++) await raw.send(queue, { id });
      await eventually('some orders', () => handled.length >= 5);
      const { app } = running;
      expect(await app.listeners.get(queue).pause({ reason: 'the warehouse is closed' })).to.deep.equal({ atWork: 0 });
      const before = handled.length;
      proxy.cut();
      await eventually('the connection', () => app.health().connections.every(({ state }) => state === 'connected'));
      for (let id = 50; id < 100; id++) await raw.send(queue, { id });
      const health = app.health();
      expect(health.status).to.equal('degraded');
      expect(health.listeners[0]).to.include({ state: 'paused', attached: 0, wanted: 0 });
      expect(health.listeners[0]?.paused).to.include({ reason: 'the warehouse is closed', resumesAt: undefined });
      expect(handled.length).to.equal(before);
      app.listeners.get(queue).resume();
      await eventually('all orders', () => new Set(handled).size === 100);
      await eventually('health', () => app.health().status === 'up');
      await eventually('an empty queue', async () => (await raw.ready(queue)) === 0);
      // The last ack of each consumer may have been lost with the connection.
      expect(handled.length).to.be.within(100, 102);
    });
  }

  it('leaves the queue to others', async () => {
    const raw = await broker.raw();
    const queue = unique('pause.others');
    const by: string[] = [];
    const app = (name: string) =>
      startApp(broker.url, {
        listeners: [
          orderListener({ queue: { name: queue, type: 'classic' }, id: name, prefetch: 20 }, () => by.push(name)),
        ],
      });
    await using one = await app('one');
    await using other = await app('other');
    await one.app.pause();
    for (let id = 0; id < 40; id++) await raw.send(queue, { id });
    await eventually('all orders', () => by.length === 40);
    expect(new Set(by)).to.deep.equal(new Set(['other']));
    expect(other.app.health().status).to.equal('up');
  });

  it('hands a queue with a single active consumer over, in order', async () => {
    const raw = await broker.raw();
    const queue = { name: unique('pause.sac'), type: 'quorum', singleActiveConsumer: true } as const;
    const handled: string[] = [];
    const hold = gate();
    const app = (name: string) =>
      startApp(broker.url, {
        listeners: [
          orderListener({ queue, id: name }, async ({ id }) => {
            if (id === 1) await hold.opened;
            handled.push(`${name} ${id}`);
          }),
        ],
      });
    await using one = await app('one');
    await using _other = await app('other');
    for (let id = 0; id < 4; id++) await raw.send(queue.name, { id });
    await eventually('the first', () => handled.length === 1);
    const paused = one.app.pause();
    hold.open();
    await paused;
    await eventually('all', () => handled.length === 4);
    expect(handled).to.deep.equal(['one 0', 'one 1', 'other 2', 'other 3']);
  });

  it('starts paused when it was paused before, and declares its queue all the same', async () => {
    const raw = await broker.raw();
    const queue = unique('pause.start');
    const handled: number[] = [];
    const app = new Leveret({
      connection: { urls: broker.url },
      logger: silentLogger,
      listeners: [orderListener({ queue, id: queue }, ({ id }) => handled.push(id))],
    });
    await app.pause({ reason: 'not before the migration' });
    await app.start();
    try {
      expect(app.health().status).to.equal('degraded');
      await raw.send(queue, { id: 1 });
      expect([...app.listeners].map(({ id, state }) => [id, state])).to.deep.equal([[queue, 'paused']]);
      expect(handled).to.deep.equal([]);
      app.resume();
      await eventually('the order', () => handled.length === 1);
    } finally {
      await app.close();
    }
  });

  it('leaves to its handler what that has not settled in manual mode', async () => {
    const raw = await broker.raw();
    const queue = unique('pause.manual');
    const settle: (() => boolean)[] = [];
    const listener = orderListener({ queue, id: queue, acknowledge: 'manual' }, (_order, context) => {
      settle.push(() => context.ack());
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the order', () => settle.length === 1);
    await running.app.pause();
    expect(settle[0]?.()).to.equal(true);
    running.app.resume();
    await raw.send(queue, { id: 2 });
    await eventually('the next', () => settle.length === 2);
  });

  it('can be closed while it is paused, with what it keeps back in the queue', async () => {
    const raw = await broker.raw();
    const queue = unique('pause.close');
    const hold = gate();
    const listener = orderListener(
      { queue: { name: queue, type: 'quorum' }, id: queue, prefetch: 10 },
      () => hold.opened,
    );
    const running = await startApp(broker.url, { listeners: [listener] });
    for (let id = 0; id < 5; id++) await raw.send(queue, { id });
    await eventually('five', () => running.app.listeners.get(queue).inspect().held === 5);
    const paused = running.app.pause();
    hold.open();
    await paused;
    await running.app.close();
    await eventually('four', async () => (await raw.ready(queue)) === 4);
  });
});
