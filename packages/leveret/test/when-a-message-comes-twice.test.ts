import { expect } from 'chai';
import {
  Context,
  type DeliveryContext,
  Idempotent,
  type IdempotentOptions,
  Listener,
  type ListenerOptions,
  MemoryIdempotencyStore,
  Payload,
} from 'leveret';
import { claimGuard } from 'leveret/adapters';
import { it } from 'mocha';
import { eventually, gate } from './support/eventually.js';
import { type HandleOrder, Order } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

/** A listener that takes effect once. */
function onceListener(options: ListenerOptions, idempotent: IdempotentOptions, handle: HandleOrder): new () => object {
  const declared = { id: unique('orders'), ...options };
  class OrderListener {
    @Listener(declared)
    @Idempotent(idempotent)
    onOrder(@Payload() order: Order, @Context() context: DeliveryContext): unknown {
      return handle(order, context);
    }
  }
  return OrderListener;
}

onEachBroker('when a message comes twice', (broker) => {
  it('takes effect once, and both deliveries are acknowledged', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('once'));
    const handled: number[] = [];
    const store = new MemoryIdempotencyStore();
    const listener = onceListener({ queue }, { store }, (order) => void handled.push(order.id));
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await raw.send(queue, { id: 2 }, { messageId: 'm-2' });
    await eventually('three settlements', () => proxy.settlements().length === 3);
    expect(handled).to.deep.equal([1, 2]);
    expect(proxy.settlements()).to.deep.equal(['ack', 'ack', 'ack']);
    expect(running.of('duplicate').map(({ key }) => key)).to.deep.equal(['m-1']);
  });

  it('takes ids whose bytes are no UTF-8 for no ids, and not for the same one', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('binary'));
    const queue = await raw.declare(unique('binary'), dead.arguments);
    const other = await raw.declare(unique('binary'));
    const handled: number[] = [];
    const store = new MemoryIdempotencyStore();
    const listeners = [
      onceListener({ queue }, { store }, (order) => void handled.push(order.id)),
      onceListener({ queue: other }, { store, onMissingKey: 'process' }, (order) => void handled.push(order.id)),
    ];
    await using running = await startApp(broker.url, { listeners });
    for (const routingKey of [queue, other]) {
      for (let id = 128; id < 256; id++) {
        await running.app.publisher.send({
          ...{ exchange: '', routingKey, mandatory: true, headers: {} },
          body: Buffer.from(JSON.stringify({ id })),
          properties: { contentType: 'application/json' },
          verbatim: { properties: { messageId: Buffer.from([0, id]) }, headers: [] },
        });
      }
    }
    await eventually('all handled or rejected', () => handled.length + running.count('rejected') === 256);
    expect(handled).to.deep.equal(Array.from({ length: 128 }, (_, index) => 128 + index));
    expect(running.count('duplicate')).to.equal(0);
    expect(await raw.ready(dead.queue)).to.equal(128);
  });

  it('takes effect once when fifty come at the same time to the consumers of two applications', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('once'));
    let effects = 0;
    const store = new MemoryIdempotencyStore();
    const listener = onceListener({ queue, id: 'both', concurrency: 4, prefetch: 2 }, { store }, async () => {
      effects++;
      await new Promise((resolve) => setImmediate(resolve));
    });
    await using one = await startApp(broker.url, { listeners: [listener] });
    await using two = await startApp(broker.url, { listeners: [listener] });
    await Promise.all(Array.from({ length: 50 }, () => raw.send(queue, { id: 1 }, { messageId: 'm-1' })));
    const settled = () => [one, two].reduce((sum, app) => sum + app.count('duplicate') + app.count('handled'), 0);
    await eventually('all settled', () => settled() === 50);
    expect(effects).to.equal(1);
    await one.app.close();
    await two.app.close();
    expect(await raw.ready(queue)).to.equal(0);
  });

  it('waits while another handles it, and takes the end of that for a duplicate', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('once'));
    const { opened, open } = gate();
    let calls = 0;
    const store = new MemoryIdempotencyStore();
    const listener = onceListener({ queue, concurrency: 2, prefetch: 1 }, { store }, async () => {
      calls++;
      await opened;
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await eventually('the second is held', () => running.count('in-progress') > 0);
    expect(proxy.settlements()).to.deep.equal([]);
    open();
    await eventually('both settled', () => proxy.settlements().length === 2);
    expect(proxy.settlements()).to.deep.equal(['ack', 'ack']);
    expect([calls, running.count('handled'), running.count('duplicate')]).to.deep.equal([1, 1, 1]);
  });

  it('is handled by the one that waits when the other failed', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('once'));
    const { opened, open } = gate();
    const calls: string[] = [];
    const store = new MemoryIdempotencyStore();
    const listener = onceListener(
      { queue, concurrency: 2, prefetch: 1, defaultRequeueRejected: false },
      { store },
      async (_order, { consumerTag }) => {
        calls.push(consumerTag);
        if (calls.length > 1) return;
        await opened;
        throw new Error('no stock');
      },
    );
    await using running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await eventually('the second is held', () => running.count('in-progress') > 0);
    open();
    await eventually('it is handled', () => running.count('handled') === 1);
    expect(new Set(calls).size).to.equal(2);
    expect([running.count('failed'), running.count('duplicate')]).to.deep.equal([1, 0]);
  });

  it('is found handled when the connection was cut before its ack', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('once'));
    const { opened, open } = gate();
    let effects = 0;
    const store = new MemoryIdempotencyStore();
    const listener = onceListener({ queue }, { store }, async () => {
      effects++;
      await opened;
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, {
      listeners: [listener],
      connection: { reconnect: { initialInterval: 20 } },
    });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await eventually('the handler is at work', () => effects === 1);
    proxy.cut();
    await eventually('it consumes again', () => running.count('consuming') === 2);
    open();
    await eventually('the duplicate', () => running.count('duplicate') === 1);
    expect(effects).to.equal(1);
    await running.app.close();
    expect(await raw.ready(queue)).to.equal(0);
  });

  it('goes back to the queue at once when the application stops while it waits', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('once'));
    const id = unique('orders');
    const store = new MemoryIdempotencyStore();
    const { opened, open } = gate();
    const elsewhere = claimGuard(store).run(id, 'm-1', () => opened);
    const listener = onceListener({ queue, id }, { store }, () => expect.fail('called'));
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await eventually('it is held', () => running.count('in-progress') > 0);
    await running.app.close();
    expect(proxy.settlements()).to.deep.equal(['nack requeue']);
    expect(await raw.arrived(queue)).to.include({ text: '{"id":1}' });
    open();
    await elsewhere;
  });

  it('is rejected to the dead letters without a message id', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('once'));
    const queue = await raw.declare(unique('once'), dead.arguments);
    const listener = onceListener({ queue }, { store: new MemoryIdempotencyStore() }, () => expect.fail('called'));
    await using running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    expect((await raw.arrived(dead.queue)).text).to.equal('{"id":1}');
    expect(running.of('invalid').map(({ error }) => (error as { code?: string }).code)).to.deep.equal([
      'LEV_IDEMPOTENCY_KEY_MISSING',
    ]);
  });

  it('is tried again under its guard by stateful retry, and parked by the recoverer when that is used up', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('once'));
    const queue = await raw.declare(unique('once'), dead.arguments);
    const attempts: number[] = [];
    const store = new MemoryIdempotencyStore();
    const listener = onceListener(
      { queue, retry: { stateless: false, maxAttempts: 3, initialInterval: 1 } },
      { store },
      (_order, { attempt }) => {
        attempts.push(attempt);
        throw new Error('no stock');
      },
    );
    await using proxy = await TcpProxy.start(broker.port);
    await using _running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await raw.arrived(dead.queue);
    expect(attempts).to.deep.equal([1, 2, 3]);
    expect(proxy.settlements()).to.deep.equal(['reject requeue', 'reject requeue', 'reject']);
    expect(store.size).to.equal(0);
  });

  it('acknowledges after the commit of an inbox', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('once'));
    await using proxy = await TcpProxy.start(broker.port);
    const { opened, open } = gate();
    let committing = false;
    const guard: NonNullable<Extract<IdempotentOptions['guard'], object>> = {
      async run(_scope, _key, attempt) {
        const value = await attempt('transaction', new AbortController().signal);
        committing = true;
        await opened;
        return { kind: 'handled', value, remembered: true };
      },
    };
    const seen: unknown[] = [];
    const listener = onceListener({ queue }, { guard }, (_order, { transaction }) => void seen.push(transaction));
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await eventually('the commit has begun', () => committing);
    expect(proxy.settlements()).to.deep.equal([]);
    open();
    await eventually('the ack', () => running.count('handled') === 1);
    expect(seen).to.deep.equal(['transaction']);
  });
});
