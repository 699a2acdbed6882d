import { expect } from 'chai';
import { immediateRequeue } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when a failing handler is retried', (broker) => {
  it('holds the delivery, waits the interval times the multiplier, and sees redelivered=false each time', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('retried'));
    const queue = await raw.declare(unique('retried'), dead.arguments);
    const calls: { readonly at: number; readonly attempt: number; readonly redelivered: boolean }[] = [];
    const listener = orderListener(
      { queue, retry: { maxAttempts: 4, initialInterval: 40, multiplier: 2, maxInterval: 100 } },
      (_order, { attempt, redelivered }) => {
        calls.push({ at: performance.now(), attempt, redelivered });
        throw new Error('no stock');
      },
    );
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    expect((await raw.arrived(dead.queue)).text).to.equal('{"id":1}');
    expect(calls.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3, 4]);
    expect(calls.map(({ redelivered }) => redelivered)).to.deep.equal([false, false, false, false]);
    const waits = calls.slice(1).map(({ at }, index) => at - calls[index]!.at);
    for (const [index, least] of [40, 80, 100].entries()) {
      // Timers of Node may fire up to a millisecond early.
      expect(waits[index]).to.be.within(least - 1, least + 5000);
    }
    expect(proxy.settlements()).to.deep.equal(['reject']);
    expect(running.of('retried').map(({ delayMs }) => delayMs)).to.deep.equal([40, 80, 100]);
  });

  it('acknowledges when a later attempt succeeds', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('retried'));
    let calls = 0;
    const listener = orderListener({ queue, retry: { maxAttempts: 3, initialInterval: 1 } }, async () => {
      if (++calls < 3) throw new Error('not yet');
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the settlement', () => proxy.settlements().length === 1);
    expect(proxy.settlements()).to.deep.equal(['ack']);
    expect(running.of('handled').map(({ attempts }) => attempts)).to.deep.equal([3]);
  });

  it('starts over when the recoverer requeues after the attempts are used up [spring 28]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('retried'));
    const redelivered: boolean[] = [];
    const listener = orderListener(
      { queue, retry: { maxAttempts: 4, initialInterval: 1 }, recoverer: immediateRequeue() },
      (_order, context) => {
        redelivered.push(context.redelivered);
        if (!context.redelivered) throw new Error('no stock');
      },
    );
    await using proxy = await TcpProxy.start(broker.port);
    await using _running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('two settlements', () => proxy.settlements().length === 2);
    expect(redelivered).to.deep.equal([false, false, false, false, true]);
    expect(proxy.settlements()).to.deep.equal(['reject requeue', 'ack']);
  });

  it('goes to the recoverer at once for an error that is not worth it', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('retried'));
    const queue = await raw.declare(unique('retried'), dead.arguments);
    let calls = 0;
    const retryable = (error: unknown) => !(error instanceof RangeError);
    const listener = orderListener({ queue, retry: { maxAttempts: 5, initialInterval: 1, retryable } }, () => {
      calls++;
      throw calls === 1 ? new Error('worth it') : new RangeError('not worth it');
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await raw.arrived(dead.queue);
    expect(calls).to.equal(2);
    expect(running.of('recovered').map(({ reason }) => reason)).to.deep.equal(['not-retryable']);
  });

  it('keeps the other consumers of the listener at work during the wait', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('retried'));
    const handled: number[] = [];
    const listener = orderListener(
      { queue, concurrency: 2, prefetch: 1, retry: { maxAttempts: 2, initialInterval: '1h' } },
      (order) => {
        if (order.id === 1) throw new Error('waits an hour');
        handled.push(order.id);
      },
    );
    await using _running = await startApp(broker.url, { listeners: [listener] });
    for (const id of [1, 2, 3, 4]) await raw.send(queue, { id });
    await eventually('the others', () => handled.length === 3);
    expect(handled).to.deep.equal([2, 3, 4]);
  });

  it('ends the wait at once at shutdown, and gives the delivery back without fault', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('retried'));
    const listener = orderListener({ queue, retry: { maxAttempts: 2, initialInterval: '1h' } }, () => {
      throw new Error('no stock');
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the wait', () => running.count('retried') === 1);
    const began = performance.now();
    await running.app.close();
    expect(performance.now() - began).to.be.below(5000);
    expect(proxy.settlements()).to.deep.equal(['nack requeue']);
    expect(await raw.arrived(queue)).to.include({ text: '{"id":1}', redelivered: true });
  });
});
