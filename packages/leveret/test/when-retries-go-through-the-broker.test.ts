import { expect } from 'chai';
import type { FailedDelivery, ListenerOptions } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when retries go through the broker', (broker) => {
  const STATEFUL = { stateless: false, maxAttempts: 3, initialInterval: 1 } as const;

  /** A listener whose calls and recoveries are written down. */
  function recording(options: ListenerOptions, fail: (id: number, calls: number) => unknown) {
    const calls: { readonly id: number; readonly redelivered: boolean; readonly attempt: number }[] = [];
    const recovered: FailedDelivery[] = [];
    const recoverer = (failure: FailedDelivery) => {
      recovered.push(failure);
    };
    const listener = orderListener({ retry: STATEFUL, recoverer, ...options }, ({ id }, { redelivered, attempt }) => {
      calls.push({ id, redelivered, attempt });
      return fail(id, calls.filter((call) => call.id === id).length);
    });
    return { listener, calls, recovered };
  }

  it('calls the handler once per delivery, then the recoverer, without calling the handler again [spring 32, 33]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('stateful'));
    const { listener, calls, recovered } = recording({ queue }, (_id, call) => {
      throw new Error(`failure ${call}`);
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: unique('m') });
    await eventually('the recoverer', () => recovered.length === 1);
    await running.app.close();
    expect(calls).to.deep.equal([
      { id: 1, redelivered: false, attempt: 1 },
      { id: 1, redelivered: true, attempt: 2 },
      { id: 1, redelivered: true, attempt: 3 },
    ]);
    expect(recovered[0]).to.deep.include({ attempts: 3, reason: 'exhausted' });
    expect(recovered.map(({ error }) => (error as Error).message)).to.deep.equal(['failure 3']);
    expect(proxy.settlements().at(-1)).to.equal('ack');
    expect(proxy.settlements().slice(0, 2)).to.deep.equal(['reject requeue', 'reject requeue']);
    expect(await raw.ready(queue)).to.equal(0);
  });

  it('allows a message without an id two deliveries, and goes on consuming [spring 30, 31, 36]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('stateful'));
    const { listener, calls, recovered } = recording({ queue }, (id) => {
      if (id < 3) throw new Error('no stock');
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    for (const id of [1, 2, 3]) await raw.send(queue, { id });
    await eventually(
      'both recovered, and the third handled',
      () => recovered.length === 2 && running.count('handled') === 1,
    );
    const redelivered = (id: number) => calls.filter((call) => call.id === id).map((call) => call.redelivered);
    expect(redelivered(1)).to.deep.equal([false, true]);
    expect(redelivered(2)).to.deep.equal([false, true]);
    expect(redelivered(3)).to.deep.equal([false]);
    expect(running.count('listener-failed')).to.equal(0);
  });

  it('handles ten failing messages three times each on three consumers, and recovers all [spring 29]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('stateful'));
    // One consumer process remembers for all of its consumers: a redelivery may go to another of them.
    const { listener, calls, recovered } = recording({ queue, concurrency: 3 }, () => Promise.reject(new Error('no')));
    await using running = await startApp(broker.url, { listeners: [listener] });
    const ids = Array.from({ length: 10 }, (_, index) => index + 1);
    for (const id of ids) await raw.send(queue, { id }, { messageId: `m-${id}` });
    await eventually('ten recoveries', () => recovered.length === 10);
    expect(running.app.listeners.all[0]?.inspect()).to.include({ attached: 3, state: 'running' });
    await running.app.close();
    for (const id of ids) expect(calls.filter((call) => call.id === id)).to.have.lengthOf(3);
    expect(await raw.ready(queue)).to.equal(0);
  });

  it('recovers on the spot what its predicate calls not worth it [spring 34]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('stateful'));
    const { listener, calls, recovered } = recording({ queue, retry: { ...STATEFUL, retryable: () => false } }, () => {
      throw new Error('hopeless');
    });
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: unique('m') });
    await eventually('the recoverer', () => recovered.length === 1);
    expect(calls).to.have.lengthOf(1);
    expect(recovered[0]).to.include({ reason: 'not-retryable' });
  });

  it('counts anew for a new message with the id of an old one [spring 35]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('stateful'));
    const messageId = unique('m');
    const { listener, calls, recovered } = recording({ queue }, (_id, call) => {
      if (call !== 3) throw new Error(`failure ${call}`);
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId });
    await eventually('the third call', () => running.count('handled') === 1);
    await raw.send(queue, { id: 1 }, { messageId });
    await eventually('the recoverer', () => recovered.length === 1);
    expect(calls.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3, 1, 2, 3]);
  });

  it('dead-letters through the default recoverer when the attempts are used up', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('stateful'));
    const queue = await raw.declare(unique('stateful'), dead.arguments);
    let calls = 0;
    const listener = orderListener({ queue, retry: STATEFUL }, () => {
      calls++;
      throw new Error('no stock');
    });
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: unique('m') });
    expect((await raw.arrived(dead.queue)).headers).to.have.property('x-first-death-reason', 'rejected');
    expect(calls).to.equal(3);
  });
});
