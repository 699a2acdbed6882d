import { expect } from 'chai';
import { type Leveret, LeveretError, MessageConversionError } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { type Running, startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when a handler throws', (broker) => {
  for (const [kind, fail] of [
    ['throws', () => fault()],
    ['rejects', () => Promise.reject(new Error('no stock'))],
  ] as const) {
    it(`requeues by default when it ${kind}, and the next delivery succeeds [spring 1, 20]`, async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('throws'));
      const redelivered: boolean[] = [];
      const listener = orderListener({ queue }, (_order, context) => {
        redelivered.push(context.redelivered);
        return context.redelivered ? undefined : fail();
      });
      await using proxy = await TcpProxy.start(broker.port);
      await using running = await startApp(proxy.url, { listeners: [listener] });
      await raw.send(queue, { id: 1 });
      await eventually('two settlements', () => proxy.settlements().length === 2);
      await running.app.close();
      expect(redelivered).to.deep.equal([false, true]);
      expect(proxy.settlements()).to.deep.equal(['reject requeue', 'ack']);
      expect(await raw.ready(queue)).to.equal(0);
    });
  }

  it('requeues when what it wanted to send cannot be read or written: its own message is not at fault', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('throws'));
    const unwritable = { total: 10n, toJSON: () => expect.fail('not JSON') };
    const sends: readonly ((app: Leveret) => unknown)[] = [
      (app) => app.publisher.publish('', queue, unwritable),
      (app) => app.publisher.request('', queue, unwritable, { timeout: 100 }),
      () => {
        throw new MessageConversionError('a body that the handler reads by itself');
      },
    ];
    const calls: number[] = [];
    let running: Running | undefined;
    const listener = orderListener({ queue }, (order, context) => {
      calls.push(order.id);
      return context.redelivered || running === undefined ? undefined : sends[order.id]?.(running.app);
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using started = await startApp(proxy.url, { listeners: [listener] });
    running = started;
    for (const id of sends.keys()) await raw.send(queue, { id }, { replyTo: queue, messageId: `m-${id}` });
    await eventually('all handled', () => started.count('handled') === sends.length);
    expect([started.count('failed'), started.count('invalid'), started.count('requeued')]).to.deep.equal([3, 0, 3]);
  });

  it('rejects with defaultRequeueRejected: false, to the dead letter exchange [spring 3, 21]', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('throws'));
    const queue = await raw.declare(unique('throws'), dead.arguments);
    const listener = orderListener({ queue, defaultRequeueRejected: false }, () =>
      Promise.reject(new Error('no stock')),
    );
    await using proxy = await TcpProxy.start(broker.port);
    await using _running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    expect((await raw.arrived(dead.queue)).headers).to.have.property('x-first-death-reason', 'rejected');
    expect(proxy.settlements()).to.deep.equal(['reject']);
  });

  it('counts and logs a message that is dropped for want of a dead letter exchange', async () => {
    const raw = await broker.raw();
    const queue = unique('throws');
    const listener = orderListener({ queue: { name: queue }, id: 'dropping', defaultRequeueRejected: false }, () =>
      fault(),
    );
    const lines: string[] = [];
    const log = (_fields: object, text: string) => void lines.push(text);
    const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: log };
    await using running = await startApp(broker.url, { listeners: [listener], logger });
    await raw.send(queue, { id: 1 });
    await eventually('the drop', () => running.count('dropped') === 1);
    expect(running.app.listeners.get('dropping').inspect().counts).to.include({ dropped: 1, rejected: 0 });
    await running.app.close();
    expect(lines).to.have.lengthOf(1);
    expect(await raw.ready(queue)).to.equal(0);
  });

  it('raises the delivery count of a quorum queue with each failure, on every version', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('throws'));
    const queue = await raw.declare(unique('throws'), {
      ...dead.arguments,
      arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 2 },
    });
    const counts: number[] = [];
    const listener = orderListener({ queue: { name: queue, declare: false } }, (_order, context) => {
      counts.push(context.brokerDeliveryCount);
      throw new Error('poison');
    });
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    const parked = await raw.arrived(dead.queue);
    expect(counts).to.deep.equal([0, 1, 2]);
    expect(parked.headers).to.have.property('x-first-death-reason', 'delivery_limit');
  });

  it('fires the signal of a handler that runs past its timeout, and counts it as failed', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('timeout'));
    const reasons: unknown[] = [];
    const listener = orderListener({ queue, timeout: 50 }, (_order, context) => {
      if (context.redelivered) return undefined;
      return new Promise<void>((resolve) => {
        context.signal.addEventListener('abort', () => {
          reasons.push(context.signal.reason);
          resolve();
        });
      });
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('two settlements', () => proxy.settlements().length === 2);
    expect(proxy.settlements()).to.deep.equal(['reject requeue', 'ack']);
    expect(reasons).to.have.lengthOf(1);
    expect(LeveretError.is(reasons[0]) && reasons[0].code).to.equal('LEV_HANDLER_TIMEOUT');
    expect(running.of('failed').map(({ error }) => LeveretError.is(error) && error.code)).to.deep.equal([
      'LEV_HANDLER_TIMEOUT',
    ]);
  });

  it('goes on with the messages behind it [spring 10, 17]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('throws'));
    const handled: number[] = [];
    const listener = orderListener({ queue, defaultRequeueRejected: false }, (order) => {
      if (order.id === 1) throw new TypeError('a fault of the program');
      if (order.id === 2) return Promise.reject('not even an error');
      return handled.push(order.id);
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    for (const id of [1, 2, 3]) await raw.send(queue, { id });
    await eventually('the third', () => handled.length === 1);
    expect(handled).to.deep.equal([3]);
    expect(running.count('interrupted')).to.equal(0);
  });
});

function fault(): never {
  throw new Error('no stock');
}
