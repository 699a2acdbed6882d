import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { it } from 'mocha';
import { eventually, gate } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { Resumption, report } from './support/resumption.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';
import { WorkerProcess } from './support/worker-process.js';

onEachBroker('when the connection is cut', (broker) => {
  it('consumes again without help, at the first attempt [spring 66]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('cut'));
    const resumption = new Resumption(raw, queue);
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [orderListener({ queue }, resumption.took)] });
    await resumption.untilTaken();
    const cutAt = performance.now();
    proxy.cut();
    const ms = await resumption.untilTaken(cutAt);
    report(broker.name, 'the connection is cut', ms);
    expect(ms).to.be.below(1000);
    expect(running.of('interrupted').map(({ cause }) => cause)).to.deep.equal(['connection-lost']);
    expect(running.count('connect-failed')).to.equal(0);
  });

  it('settles nothing on the dead channel; the broker delivers again [spring 13]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('cut'));
    const held = gate();
    const redelivered: boolean[] = [];
    let aborted = false;
    const listener = orderListener({ queue }, async (_order, context) => {
      redelivered.push(context.redelivered);
      if (context.redelivered) return;
      context.signal.addEventListener('abort', () => {
        aborted = true;
      });
      await held.opened;
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the handler at work', () => redelivered.length === 1);
    proxy.cut();
    await eventually('its signal', () => aborted);
    await eventually('consuming again', () => running.count('consuming') === 2);
    held.open();
    await eventually('the second delivery handled', () => running.count('handled') === 1);
    expect(redelivered).to.deep.equal([false, true]);
    expect(running.count('channel-gone')).to.equal(1);
    await eventually('the ack', () => proxy.settlements().length > 0);
    expect(proxy.settlements()).to.deep.equal(['ack']);
    await running.app.close();
    expect(await raw.ready(queue)).to.equal(0);
  });

  it('acknowledges on the next channel what was handled meanwhile, and does not handle it again', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('cut'));
    const held = gate();
    const calls: number[] = [];
    const listener = orderListener({ queue, concurrency: 3, prefetch: 4 }, async ({ id }) => {
      calls.push(id);
      if (calls.length <= 3) await held.opened;
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    for (let id = 1; id <= 8; id++) await raw.send(queue, { id }, { messageId: `m-${id}` });
    await eventually('three handlers at work', () => calls.length === 3);
    const consumers = running.count('consuming');
    proxy.cut();
    await eventually('consuming again', () => running.count('consuming') === 2 * consumers);
    held.open();
    await eventually('an end of each', () => running.count('handled') + running.count('duplicate') === 8);
    expect(calls.toSorted((left, right) => left - right)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(running.of('duplicate').map(({ key }) => key)).to.have.members(calls.slice(0, 3).map((id) => `m-${id}`));
    await running.app.close();
    expect(await raw.ready(queue)).to.equal(0);
  });

  it('tells a manual handler that its ack was not sent [spring 13]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('cut'));
    const held = gate();
    const sent: boolean[] = [];
    const listener = orderListener({ queue, acknowledge: 'manual' }, async (_order, context) => {
      if (!context.redelivered) await held.opened;
      sent.push(context.ack());
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the handler at work', () => running.count('received') === 1);
    proxy.cut();
    await eventually('consuming again', () => running.count('consuming') === 2);
    held.open();
    await eventually('both calls', () => sent.length === 2);
    expect(sent).to.deep.equal([false, true]);
    await eventually('the ack', () => proxy.settlements().length > 0);
    expect(proxy.settlements()).to.deep.equal(['ack']);
  });

  it('ends a retry’s wait, and does not call the handler for a delivery it can no longer settle', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('cut'));
    const redelivered: boolean[] = [];
    const listener = orderListener({ queue, retry: { maxAttempts: 2, initialInterval: '1h' } }, (_order, context) => {
      redelivered.push(context.redelivered);
      if (!context.redelivered) throw new Error('no stock');
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the wait', () => running.count('retried') === 1);
    proxy.cut();
    await eventually('the second delivery', () => running.count('handled') === 1);
    expect(redelivered).to.deep.equal([false, true]);
  });

  it('keeps the process alive and well while handlers run, under --unhandled-rejections=strict', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('cut'));
    await using proxy = await TcpProxy.start(broker.port);
    const listener = { queue, concurrency: 4, prefetch: 5 };
    await using worker = await WorkerProcess.start({ url: proxy.url, listener, handlerMs: 30 });
    let sent = 0;
    let cutting = true;
    // Until the last cut: however slow this process is, the handlers of the other have something to do then.
    const sending = (async () => {
      for (; cutting; await delay(10)) await raw.send(queue, { id: sent++ });
    })();
    try {
      for (let cuts = 1; cuts <= 3; cuts++) {
        await eventually('handlers at work', () => worker.heard('start') > worker.heard('done'));
        proxy.cut();
        await eventually('consuming again', () => worker.events('connected') >= 2 + 2 * cuts);
      }
    } finally {
      cutting = false;
      await sending;
    }
    await eventually('every order', () => new Set(worker.ids('done')).size === sent, 60_000);
    worker.close();
    expect(await worker.ended()).to.deep.equal({ code: 0, signal: null });
    expect(worker.errors).to.equal('');
    expect(await raw.ready(queue)).to.equal(0);
  });

  it('comes back when an operator closes the connection', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('operator'));
    const resumption = new Resumption(raw, queue);
    const name = unique('shop');
    const listeners = [orderListener({ queue }, resumption.took)];
    await using running = await startApp(broker.url, { connection: { name }, listeners });
    expect(await broker.management.closeConnections(name, 'maintenance')).to.equal(2);
    await eventually('consuming again', () => running.count('consuming') === 2);
    await resumption.untilTaken();
    expect(String(running.of('disconnected')[0]?.error)).to.contain('maintenance');
  }).timeout(60_000);

  it('notices a connection on which nothing comes any more, by its heartbeat', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('frozen'));
    const resumption = new Resumption(raw, queue);
    await using proxy = await TcpProxy.start(broker.port);
    const listeners = [orderListener({ queue }, resumption.took)];
    await using running = await startApp(proxy.url, { connection: { heartbeat: '1s' }, listeners });
    proxy.freeze();
    const frozenAt = performance.now();
    await eventually('the loss noticed', () => running.count('disconnected') > 0);
    report(broker.name, 'noticing a black hole, heartbeat 1 s', performance.now() - frozenAt);
    proxy.thaw();
    await resumption.untilTaken();
  }).timeout(60_000);
});
