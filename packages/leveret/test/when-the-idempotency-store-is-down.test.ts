import { expect } from 'chai';
import { Idempotent, Listener, type ListenerOptions, MemoryIdempotencyStore, Payload } from 'leveret';
import type { Claim, ClaimResult, IdempotencyStore } from 'leveret/adapters';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { Order } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

/** A store that a test can cut off. */
class CuttableStore implements IdempotencyStore {
  readonly #under = new MemoryIdempotencyStore();
  completed = 0;
  readonly down = { claim: false, complete: false };

  async claim(key: string, options: { readonly leaseMs: number }): Promise<ClaimResult> {
    if (this.down.claim) throw new Error('connection refused');
    return this.#under.claim(key, options);
  }

  async complete(claim: Claim, options: { readonly ttlMs: number }): Promise<boolean> {
    if (this.down.complete) throw new Error('connection refused');
    this.completed++;
    return this.#under.complete(claim, options);
  }

  release(claim: Claim): Promise<void> {
    return this.#under.release(claim);
  }

  renew(claim: Claim, options: { readonly leaseMs: number }): Promise<boolean> {
    return this.#under.renew(claim, options);
  }
}

function onceListener(options: ListenerOptions, handle: (order: Order) => unknown): new () => object {
  class OrderListener {
    @Listener({ id: unique('orders'), ...options })
    @Idempotent()
    onOrder(@Payload() order: Order): unknown {
      return handle(order);
    }
  }
  return OrderListener;
}

onEachBroker('when the idempotency store is down', (broker) => {
  it('holds the message, neither handled nor settled, and handles it once the store is back', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('store'));
    const handled: number[] = [];
    const store = new CuttableStore();
    store.down.claim = true;
    const listener = onceListener(
      { queue, retry: { maxAttempts: 1 }, defaultRequeueRejected: false, recoverer: () => expect.fail('recovered') },
      (order) => void handled.push(order.id),
    );
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener], idempotency: { store } });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await eventually('the store was asked', () => running.count('idempotency-failed') > 0);
    expect([handled, proxy.settlements()]).to.deep.equal([[], []]);
    store.down.claim = false;
    await eventually('it is handled', () => running.count('handled') === 1);
    expect(handled).to.deep.equal([1]);
    await eventually('the ack', () => proxy.settlements().length === 1);
    expect(proxy.settlements()).to.deep.equal(['ack']);
    expect(running.count('failed')).to.equal(0);
  });

  it('gives the message back without fault when the application stops', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('store'));
    const store = new CuttableStore();
    store.down.claim = true;
    const listener = onceListener({ queue }, () => expect.fail('called'));
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener], idempotency: { store } });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await eventually('the store was asked', () => running.count('idempotency-failed') > 0);
    await running.app.close();
    expect(proxy.settlements()).to.deep.equal(['nack requeue']);
    expect(await raw.arrived(queue)).to.include({ text: '{"id":1}' });
  });

  it('acknowledges what is handled and cannot be remembered, and remembers it when the store is back', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('store'));
    let calls = 0;
    const store = new CuttableStore();
    store.down.complete = true;
    const listener = onceListener({ queue }, () => void calls++);
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, {
      listeners: [listener],
      // Ends before the store is back: the process knows all the same that the message is handled.
      idempotency: { store, lease: 500 },
    });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await eventually('it is settled', () => proxy.settlements().length === 1);
    expect([calls, running.count('not-remembered'), running.count('handled')]).to.deep.equal([1, 1, 1]);
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    await eventually('the duplicate', () => running.count('duplicate') === 1);
    store.down.complete = false;
    await eventually('it is remembered', () => store.completed === 1);
    expect([calls, proxy.settlements()]).to.deep.equal([1, ['ack', 'ack']]);
  });
});
