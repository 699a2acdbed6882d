import { expect } from 'chai';
import { type ListenerOptions, RejectMessage, republish } from 'leveret';
import { it } from 'mocha';
import { eventually, gate } from './support/eventually.js';
import { type HandleOrder, orderListener } from './support/order.js';
import { onRabbitMQ } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onRabbitMQ('when a stream is consumed', (broker) => {
  async function consuming(options: Partial<ListenerOptions>, handle: HandleOrder, before = 0) {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('stream'), { arguments: { 'x-queue-type': 'stream' } });
    for (let id = 1; id <= before; id++) await raw.send(queue, { id });
    const proxy = await TcpProxy.start(broker.port);
    const listener = orderListener({ queue: { name: queue, type: 'stream' }, ...options }, handle);
    const running = await startApp(proxy.url, { listeners: [listener] });
    return {
      ...{ raw, queue, proxy, running },
      async [Symbol.asyncDispose]() {
        await running[Symbol.asyncDispose]();
        await proxy[Symbol.asyncDispose]();
      },
    };
  }

  it('goes on behind what it has handled when the connection is cut, from the end and from the start', async function () {
    this.timeout(60_000);
    for (const offset of [undefined, 'first']) {
      const ids: number[] = [];
      const consumerArguments = offset === undefined ? {} : { 'x-stream-offset': offset };
      await using here = await consuming({ consumerArguments }, (order) => ids.push(order.id));
      for (let id = 1; id <= 50; id++) await here.raw.send(here.queue, { id });
      await eventually('the first fifty', () => ids.length === 50);
      const handled = here.running.count('consuming');
      here.proxy.cut();
      for (let id = 51; id <= 100; id++) await here.raw.send(here.queue, { id });
      await eventually('consuming again', () => here.running.count('consuming') > handled);
      await eventually('the next fifty', () => ids.length === 100, 20_000);
      expect(ids).to.deep.equal(Array.from({ length: 100 }, (_, index) => index + 1));
    }
  });

  it('goes on where it was when it is paused and resumed, with each message once', async function () {
    this.timeout(60_000);
    const ids: number[] = [];
    await using here = await consuming(
      { consumerArguments: { 'x-stream-offset': 'first' } },
      (order) => ids.push(order.id),
      30,
    );
    await eventually('some', () => ids.length >= 5);
    await here.running.app.pause();
    const before = ids.length;
    for (let id = 31; id <= 60; id++) await here.raw.send(here.queue, { id });
    expect(ids.length).to.equal(before);
    here.running.app.resume();
    await eventually('all', () => ids.length >= 60, 20_000);
    expect(ids).to.deep.equal(Array.from({ length: 60 }, (_, index) => index + 1));
  });

  it('loses nothing that comes while it is away before its first message', async function () {
    this.timeout(60_000);
    const ids: number[] = [];
    await using here = await consuming({}, (order) => ids.push(order.id));
    here.proxy.cut();
    for (let id = 1; id <= 20; id++) await here.raw.send(here.queue, { id });
    await eventually('all', () => ids.length >= 20, 20_000);
    expect(new Set(ids).size).to.equal(20);
  });

  it('holds what fails and tries it again, skips what is rejected, and closes no connection', async function () {
    this.timeout(60_000);
    const ids: number[] = [];
    let failures = 2;
    const handle: HandleOrder = (order) => {
      ids.push(order.id);
      if (order.id === 2 && failures-- > 0) throw new Error('not yet');
      if (order.id === 3) throw new RejectMessage('never');
    };
    await using here = await consuming({ consumerArguments: { 'x-stream-offset': 'first' } }, handle, 4);
    await eventually('all four', () => ids.includes(4), 30_000);
    expect(ids).to.deep.equal([1, 2, 2, 2, 3, 4]);
    expect(here.running.count('skipped')).to.equal(1);
    expect([here.running.count('disconnected'), here.running.count('interrupted')]).to.deep.equal([0, 0]);
  });

  it('parks what is exhausted, and goes on', async function () {
    this.timeout(60_000);
    const raw = await broker.raw();
    const errors = await raw.declare(unique('errors'));
    const ids: number[] = [];
    const handle: HandleOrder = (order) => {
      ids.push(order.id);
      if (order.id === 1) throw new Error('broken');
    };
    const options = { retry: { maxAttempts: 2, initialInterval: 1 }, recoverer: republish('', errors) };
    await using _here = await consuming({ ...options, consumerArguments: { 'x-stream-offset': 'first' } }, handle, 2);
    await eventually('the second', () => ids.includes(2));
    expect((await raw.arrived(errors)).text).to.equal('{"id":1}');
    expect(ids).to.deep.equal([1, 1, 2]);
  });

  it('is stopped with deliveries in hand without hurting others, and goes on behind the last that was handled', async function () {
    this.timeout(60_000);
    const ids: number[] = [];
    const held = gate();
    const handle: HandleOrder = async (order) => {
      if (order.id === 2 && !ids.includes(2)) await held.opened;
      ids.push(order.id);
    };
    const listener = { id: 'streaming', consumerArguments: { 'x-stream-offset': 'first' } };
    await using here = await consuming(listener, handle, 5);
    await eventually('the first', () => ids.length === 1);
    const stopping = here.running.app.listeners.get('streaming').stop();
    held.open();
    await stopping;
    expect(ids).to.deep.equal([1, 2]);
    await here.running.app.listeners.get('streaming').start();
    await eventually('the rest', () => ids.length === 5);
    expect(ids).to.deep.equal([1, 2, 3, 4, 5]);
    expect([here.running.count('disconnected'), here.running.count('interrupted')]).to.deep.equal([0, 0]);
  });

  it('goes on in a new process where the store says', async function () {
    this.timeout(60_000);
    const saved = new Map<string, number>();
    const streamOffsets = {
      load: async (listener: string, stream: string) => saved.get(`${listener} ${stream}`),
      save: async (listener: string, stream: string, offset: number) => void saved.set(`${listener} ${stream}`, offset),
    };
    const ids: number[] = [];
    const options = { id: 'stored', streamOffsets, consumerArguments: { 'x-stream-offset': 'first' } };
    await using here = await consuming(options, (order) => ids.push(order.id), 3);
    await eventually('the first three', () => ids.length === 3);
    await here.running.app.close();
    expect([...saved.values()]).to.deep.equal([2]);
    for (const id of [4, 5]) await here.raw.send(here.queue, { id });
    const listener = orderListener({ queue: { name: here.queue, type: 'stream' }, ...options }, (order) =>
      ids.push(order.id),
    );
    await using _again = await startApp(broker.url, { listeners: [listener] });
    await eventually('the next two', () => ids.length === 5);
    expect(ids).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('refuses at start what no stream can do', async () => {
    const listener = orderListener(
      { queue: { name: unique('stream'), type: 'stream' }, concurrency: 2, prefetch: 0, acknowledge: 'none' },
      () => {},
    );
    const failure = await startApp(broker.url, { listeners: [listener] }).catch((error: Error) => error);
    expect(String(failure))
      .to.match(/prefetch must be at least 1/)
      .and.match(/concurrency/)
      .and.match(/acknowledge/);
  });
});
