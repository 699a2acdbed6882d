import { expect } from 'chai';
import { Context, type DeliveryContext, Listener, Payload } from 'leveret';
import { describe, it } from 'mocha';
import { eventually } from './support/eventually.js';
import { Order, orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when a handler returns', (broker) => {
  it('acknowledges each delivery by itself, from sync and async handlers alike [spring 23]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('returns'));
    const handled: number[] = [];
    const listener = orderListener({ queue }, (order) => {
      handled.push(order.id);
      return order.id % 2 === 0 ? Promise.resolve() : undefined;
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    for (const id of [1, 2, 3]) await raw.send(queue, { id });
    await eventually('three settlements', () => proxy.settlements().length === 3);
    await running.app.close();
    expect(handled).to.deep.equal([1, 2, 3]);
    expect(proxy.settlements()).to.deep.equal(['ack', 'ack', 'ack']);
    expect(await raw.ready(queue)).to.equal(0);
    expect(running.count('handled')).to.equal(3);
  });

  it('acknowledges only when the promise has resolved', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('returns'));
    let finish: () => void = () => undefined;
    const listener = orderListener({ queue }, () => new Promise<void>((resolve) => (finish = resolve)));
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the handler at work', () => running.count('received') === 1);
    expect(proxy.settlements()).to.deep.equal([]);
    finish();
    await eventually('the settlement', () => proxy.settlements().length === 1);
    expect(proxy.settlements()).to.deep.equal(['ack']);
  });

  it('passes message, headers and delivery facts as the parameters ask for them', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('returns'));
    const seen: unknown[] = [];
    class Facts {
      @Listener({ queue, id: 'facts' })
      on(@Payload() order: Order, @Context() context: DeliveryContext): void {
        seen.push(order instanceof Order, order.id, context.listenerId, context.queue, context.redelivered);
        seen.push(context.attempt, context.message.headers['x-tenant'], context.message.messageId);
      }
    }
    await using _running = await startApp(broker.url, { listeners: [Facts] });
    await raw.send(queue, { id: 7 }, { headers: { 'x-tenant': 'north' }, messageId: 'm-7' });
    await eventually('the delivery', () => seen.length > 0);
    expect(seen).to.deep.equal([true, 7, 'facts', queue, false, 1, 'north', 'm-7']);
  });

  describe('in manual mode', () => {
    it('settles nothing until the handler does', async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('manual'));
      const contexts: DeliveryContext[] = [];
      const listener = orderListener({ queue, acknowledge: 'manual' }, (_order, context) => {
        contexts.push(context);
      });
      await using proxy = await TcpProxy.start(broker.port);
      await using running = await startApp(proxy.url, { listeners: [listener] });
      await raw.send(queue, { id: 1 });
      await eventually('the handler has returned', () => running.count('handled') === 1);
      expect(proxy.settlements()).to.deep.equal([]);
      expect(contexts[0]?.ack()).to.equal(true);
      await eventually('the settlement', () => proxy.settlements().length === 1);
      expect(proxy.settlements()).to.deep.equal(['ack']);
    });

    it('sends what the handler asked for: ack, requeue, give back, reject', async () => {
      const raw = await broker.raw();
      const dead = await raw.declareDeadLetters(unique('manual'));
      const queue = await raw.declare(unique('manual'), dead.arguments);
      const listener = orderListener({ queue, acknowledge: 'manual', prefetch: 1 }, (order, context) => {
        if (order.id === 1) context.ack();
        else if (order.id === 4) context.reject();
        else if (context.redelivered) context.ack();
        else context.requeue(order.id === 3 ? { failed: false } : {});
      });
      await using proxy = await TcpProxy.start(broker.port);
      await using running = await startApp(proxy.url, { listeners: [listener] });
      for (const id of [1, 2, 3, 4]) await raw.send(queue, { id });
      await eventually('six settlements', () => proxy.settlements().length === 6);
      await running.app.close();
      expect(proxy.settlements()).to.deep.equal(['ack', 'reject requeue', 'ack', 'nack requeue', 'ack', 'reject']);
      expect((await raw.arrived(dead.queue)).text).to.equal('{"id":4}');
      expect(await raw.ready(queue)).to.equal(0);
    });

    it('gives what was never settled back when the channel closes', async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('manual'));
      const listener = orderListener({ queue, acknowledge: 'manual' }, () => undefined);
      await using running = await startApp(broker.url, { listeners: [listener] });
      await raw.send(queue, { id: 1 });
      await eventually('the handler has returned', () => running.count('handled') === 1);
      await running.app.close();
      expect(await raw.arrived(queue)).to.include({ text: '{"id":1}', redelivered: true });
    });
  });

  it('settles nothing in none mode, where the broker forgets as it sends', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('none'));
    const handled: number[] = [];
    const listener = orderListener({ queue, acknowledge: 'none' }, (order) => {
      handled.push(order.id);
      if (order.id === 2) throw new Error('gone all the same');
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    for (const id of [1, 2, 3]) await raw.send(queue, { id });
    await eventually('three deliveries', () => handled.length === 3);
    await running.app.close();
    expect(proxy.settlements()).to.deep.equal([]);
    expect(await raw.ready(queue)).to.equal(0);
    expect(running.count('dropped')).to.equal(1);
  });
});
