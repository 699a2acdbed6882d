import { expect } from 'chai';
import { describe, it } from 'mocha';
import { eventually, gate, inTime } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';
import { WorkerProcess } from './support/worker-process.js';

const IDS = [1, 2, 3, 4, 5];

onEachBroker('when the application shuts down', (broker) => {
  it('lets the running handler end, and gives the rest of a classic queue back untouched [spring 4, 69]', async () => {
    const raw = await broker.raw();
    const queue = unique('shutdown');
    const held = gate();
    const started: number[] = [];
    const listener = orderListener({ queue: { name: queue, type: 'classic' }, prefetch: 5 }, async (order) => {
      started.push(order.id);
      await held.opened;
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    for (const id of IDS) await raw.send(queue, { id });
    await eventually('five prefetched', () => running.app.listeners.inspect()[0]?.held === 5);
    const closing = running.app.close();
    await eventually('the rest given back', () => proxy.settlements().length === 4);
    expect(proxy.settlements()).to.deep.equal(Array(4).fill('nack requeue'));
    held.open();
    await closing;
    expect(proxy.settlements().at(-1)).to.equal('ack');
    expect(started).to.deep.equal([1]);
    expect((await raw.takeAll(queue)).map(({ text }) => text)).to.deep.equal(IDS.slice(1).map((id) => `{"id":${id}}`));
    expect(running.count('given-back')).to.equal(4);
    expect(running.of('closed').map(({ abandoned }) => abandoned)).to.deep.equal([0]);
  });

  it('runs what it prefetched from a quorum queue before 4.3, where giving back costs a delivery; later gives it back', async () => {
    const raw = await broker.raw();
    const queue = unique('shutdown');
    const held = gate();
    const handled: number[] = [];
    const listener = orderListener({ queue: { name: queue, type: 'quorum' }, prefetch: 5 }, async (order) => {
      await held.opened;
      handled.push(order.id);
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    for (const id of IDS) await raw.send(queue, { id });
    await eventually('five prefetched', () => running.app.listeners.inspect()[0]?.held === 5);
    const closing = running.app.close();
    await eventually('the cancel', () => proxy.count('basic.cancel') === 1);
    held.open();
    await closing;
    if (broker.isAtLeast('4.3')) {
      expect(handled).to.deep.equal([1]);
      expect(proxy.settlements().filter((kind) => kind === 'nack requeue')).to.have.lengthOf(4);
      const back = await raw.arrived(queue);
      expect(back.headers['x-delivery-count'] ?? 0).to.equal(0);
    } else {
      expect(handled).to.deep.equal(IDS);
      expect(proxy.settlements()).to.deep.equal(Array(5).fill('ack'));
      expect(await raw.ready(queue)).to.equal(0);
    }
  });

  it('waits no longer than its timeout; what it abandons is delivered again, and is not acked late', async () => {
    const raw = await broker.raw();
    const queue = unique('shutdown');
    const held = gate();
    let aborted = false;
    const listener = orderListener({ queue: { name: queue } }, async (_order, context) => {
      context.signal.addEventListener('abort', () => {
        aborted = true;
      });
      await held.opened;
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the handler at work', () => running.count('received') === 1);
    const began = performance.now();
    await running.app.close({ timeout: 300 });
    expect(performance.now() - began).to.be.within(250, 5000);
    expect(aborted).to.equal(true);
    expect(running.of('closed').map(({ abandoned }) => abandoned)).to.deep.equal([1]);
    held.open();
    expect(await raw.arrived(queue)).to.include({ text: '{"id":1}', redelivered: true });
    expect(proxy.settlements()).to.deep.equal([]);
  });

  it('joins a second close to the first, and a close with timeout 0 ends the wait', async () => {
    const raw = await broker.raw();
    const queue = unique('shutdown');
    const held = gate();
    const listener = orderListener({ queue: { name: queue } }, () => held.opened);
    await using running = await startApp(broker.url, { listeners: [listener] });
    await running.app.start();
    await raw.send(queue, { id: 1 });
    await eventually('the handler at work', () => running.count('received') === 1);
    const first = running.app.close();
    const second = running.app.close({ timeout: 0 });
    await Promise.all([first, second]);
    await running.app.close();
    expect(running.count('closing')).to.equal(1);
    expect(running.count('closed')).to.equal(1);
    held.open();
    expect(await raw.arrived(queue)).to.include({ redelivered: true });
  });

  it('stops and starts a listener by hand, twice over, and misses nothing', async () => {
    const raw = await broker.raw();
    const queue = unique('stop-start');
    const handled: number[] = [];
    const listener = orderListener({ queue: { name: queue }, id: 'by-hand', autoStart: false }, (order) => {
      handled.push(order.id);
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    const handle = running.app.listeners.get('by-hand');
    expect(handle.state).to.equal('stopped');
    expect(await raw.consumers(queue)).to.equal(0);
    for (const id of [1, 2]) {
      await raw.send(queue, { id });
      await Promise.all([handle.start(), handle.start()]);
      expect(await raw.consumers(queue)).to.equal(1);
      await eventually('the order', () => handled.includes(id));
      await Promise.all([handle.stop(), handle.stop()]);
      expect(await raw.consumers(queue)).to.equal(0);
    }
    await raw.send(queue, { id: 3 });
    expect(await raw.ready(queue)).to.equal(1);
    expect(handled).to.deep.equal([1, 2]);
  });

  it('acks nothing that was not handled, whatever the moment of the close', async () => {
    const raw = await broker.raw();
    const queue = unique('moments');
    await raw.declare(queue);
    const handled = new Set<number>();
    const sent = Array.from({ length: 300 }, (_, id) => id);
    for (const id of sent) await raw.send(queue, { id });
    for (let round = 0; round < 5; round++) {
      const enough = gate();
      let calls = 0;
      const listener = orderListener({ queue, concurrency: 2, prefetch: 10 }, async (order) => {
        await new Promise((resolve) => setImmediate(resolve));
        handled.add(order.id);
        // Not by looking now and then: all might be handled in between, and nothing be left for the next round.
        if (++calls > round * 7) enough.open();
      });
      await using running = await startApp(broker.url, { listeners: [listener] });
      await inTime('some handled', enough.opened);
      await running.app.close();
    }
    const left = (await raw.takeAll(queue)).map(({ text }) => (JSON.parse(text) as { readonly id: number }).id);
    expect([...new Set([...handled, ...left])].sort((a, b) => a - b)).to.deep.equal(sent);
  }).timeout(60_000);

  describe('by a signal', () => {
    it('finishes what runs at SIGTERM and exits with 0', async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('sigterm'));
      const listener = { queue, prefetch: 5 };
      await using worker = await WorkerProcess.start({
        url: broker.url,
        listener,
        handlerMs: 300,
        shutdownHooks: true,
      });
      for (const id of IDS) await raw.send(queue, { id });
      await eventually('a handler at work', () => worker.heard('start') > 0);
      worker.signal('SIGTERM');
      expect(await worker.ended()).to.deep.equal({ code: 0, signal: null });
      expect(worker.errors).to.equal('');
      const done = worker.ids('done');
      expect(worker.ids('start')).to.deep.equal(done);
      const left = (await raw.takeAll(queue)).map(({ text }) => (JSON.parse(text) as { readonly id: number }).id);
      expect([...done, ...left]).to.deep.equal(IDS);
    });

    it('closes at once at a second signal; the message comes again', async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('sigterm'));
      await using worker = await WorkerProcess.start({
        url: broker.url,
        listener: { queue },
        handlerMs: 60_000,
        shutdownHooks: true,
      });
      await raw.send(queue, { id: 1 });
      await eventually('the handler at work', () => worker.heard('start') === 1);
      worker.signal('SIGTERM');
      await eventually('closing', () => worker.events('closing') === 1);
      worker.signal('SIGTERM');
      await eventually('closed', () => worker.events('closed') === 1);
      expect(worker.heard('signal')).to.equal(1);
      expect(await raw.arrived(queue)).to.include({ text: '{"id":1}', redelivered: true });
    });
  });

  it('loses nothing when a consuming process is killed', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('sigkill'));
    const listener = { queue, prefetch: 5 };
    await using worker = await WorkerProcess.start({ url: broker.url, listener, handlerMs: 60_000 });
    for (const id of IDS) await raw.send(queue, { id });
    await eventually('a handler at work', () => worker.heard('start') === 1);
    worker.signal('SIGKILL');
    await worker.ended();
    await eventually('all back', async () => (await raw.ready(queue)) === IDS.length);
  });
});
