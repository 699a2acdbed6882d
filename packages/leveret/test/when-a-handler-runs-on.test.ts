import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import {
  Context,
  type DeliveryContext,
  Idempotent,
  type IdempotentOptions,
  Listener,
  type ListenerOptions,
  MemoryIdempotencyStore,
  type Next,
  UseInterceptors,
} from 'leveret';
import type { GuardedAttempt, GuardedResult, IdempotencyGuard } from 'leveret/adapters';
import { it } from 'mocha';
import { eventually, gate } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

/** A guard with a transaction: what an attempt writes counts when it is committed. */
class Inbox implements IdempotencyGuard {
  readonly committed: string[] = [];

  async run(_listener: string, key: string, attempt: GuardedAttempt): Promise<GuardedResult> {
    if (this.committed.includes(key)) return { kind: 'duplicate' };
    const value = await attempt('tx', new AbortController().signal);
    this.committed.push(key);
    return { kind: 'handled', value, remembered: true };
  }
}

async function impatient(_context: DeliveryContext, next: Next): Promise<unknown> {
  const limit = new Promise((_resolve, reject) => setTimeout(() => reject(new Error('limit')), 50));
  return Promise.race([next(), limit]);
}

function onceListener(
  options: ListenerOptions,
  idempotent: IdempotentOptions,
  handle: (context: DeliveryContext) => unknown,
) {
  class Orders {
    @Listener({ id: unique('orders'), ...options })
    @Idempotent(idempotent)
    on(@Context() context: DeliveryContext): unknown {
      return handle(context);
    }
  }
  class Limited {
    @Listener({ id: unique('orders'), ...options, timeout: '20m' })
    @Idempotent(idempotent)
    @UseInterceptors(impatient)
    on(@Context() context: DeliveryContext): unknown {
      return handle(context);
    }
  }
  return { Orders, Limited };
}

onEachBroker('when a handler runs on', (broker) => {
  for (const way of ['Orders', 'Limited'] as const) {
    it(`loses no message by a late ack of manual mode, ${way === 'Orders' ? 'behind its timeout' : 'given up by an interceptor'}`, async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('late'));
      const late = gate();
      const answers: boolean[] = [];
      const guard = new Inbox();
      const listener = onceListener({ queue, acknowledge: 'manual', timeout: 50 }, { guard }, async (context) => {
        await late.opened;
        answers.push(context.ack());
      });
      await using proxy = await TcpProxy.start(broker.port);
      const running = await startApp(proxy.url, { listeners: [listener[way]] });
      await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
      await eventually('the failure', () => running.count('left-unsettled') === 1);
      late.open();
      await eventually('the late ack', () => running.count('settled-late') === 1);
      await running.app.close();
      expect([answers, guard.committed, proxy.settlements()]).to.deep.equal([[false], [], []]);
      expect(await raw.ready(queue)).to.equal(1);
    });

    it(`lets no second handler of its key begin, ${way === 'Orders' ? 'behind its timeout' : 'given up by an interceptor'}`, async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('late'));
      const ends = [gate(), gate()];
      let atWork = 0;
      let calls = 0;
      let most = 0;
      const retry = { maxAttempts: 5, initialInterval: 20 };
      const store = new MemoryIdempotencyStore();
      const listener = onceListener({ queue, retry, timeout: 50 }, { store }, async () => {
        most = Math.max(most, ++atWork);
        await ends[calls++]?.opened;
        atWork--;
      });
      await using running = await startApp(broker.url, { listeners: [listener[way]] });
      await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
      for (const [index, end] of ends.entries()) {
        await eventually('the next call', () => calls === index + 1);
        await eventually('its result', () => running.count('failed') === index + 1);
        await eventually('the hold behind it', () => running.count('in-progress') === index + 1);
        end.open();
      }
      await eventually('the message handled', () => running.count('handled') === 1);
      expect([calls, most]).to.deep.equal([3, 1]);
    });
  }
});

onEachBroker('when a channel is lost during the attempts of local retry', (broker) => {
  it('counts them on, and comes to the recoverer', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('lost'));
    const attempts: number[] = [];
    const recovered: number[] = [];
    const listener = orderListener(
      {
        queue,
        retry: { maxAttempts: 3, initialInterval: '1h' },
        recoverer: ({ attempts: count }) => void recovered.push(count),
      },
      (_order, context) => {
        attempts.push(context.attempt);
        throw new Error('broken');
      },
    );
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: 'm-1' });
    for (const attempt of [1, 2]) {
      await eventually(`the wait behind attempt ${attempt}`, () => running.count('retried') === attempt);
      proxy.cut();
      await eventually('consuming again', () => running.count('consuming') === attempt + 1);
    }
    await eventually('the recoverer', () => running.count('recovered') === 1);
    expect([attempts, recovered]).to.deep.equal([[1, 2, 3], [3]]);
    await eventually('the ack', () => proxy.settlements().length > 0);
    expect(proxy.settlements()).to.deep.equal(['ack']);
  });
});

onEachBroker('when a handler enters an async context', (broker) => {
  it('leaves nothing of it to the next delivery, nor to whom events are told', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('context'));
    const tenant = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const told = new Set<unknown>();
    const listener = orderListener({ queue }, (order) => {
      seen.push(tenant.getStore());
      tenant.enterWith(`tenant ${order.id}`);
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    running.app.on(() => {
      told.add(tenant.getStore());
    });
    for (let id = 1; id <= 5; id++) await raw.send(queue, { id });
    await eventually('all handled', () => running.count('handled') === 5);
    expect([seen, [...told]]).to.deep.equal([Array(5).fill(undefined), [undefined]]);
  });
});
