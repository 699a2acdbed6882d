import { expect } from 'chai';
import type { ListenerOptions } from 'leveret';
import { besideEachOther } from './support/beside-each-other.js';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachImpatientBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

/** The broker waits 2 s. */
onEachImpatientBroker('when deliveries are not settled in time', (broker) => {
  const beside = besideEachOther();

  /** A quorum queue that dead-letters what was delivered four times in vain. */
  async function limited() {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('late'));
    const args = { ...dead.arguments, arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 3 } };
    return { raw, dead: dead.queue, queue: await raw.declare(unique('late'), args) };
  }

  /** Handlers at work, and which of them was beside another for the same order. */
  class Watch {
    readonly calls = new Map<number, number>();
    readonly beside: number[] = [];
    readonly aborted: number[] = [];
    readonly #atWork = new Set<number>();

    async work(id: number, ms: number, signal: AbortSignal): Promise<void> {
      if (this.#atWork.has(id)) this.beside.push(id);
      this.#atWork.add(id);
      this.calls.set(id, (this.calls.get(id) ?? 0) + 1);
      signal.addEventListener('abort', () => this.aborted.push(id));
      await new Promise((resolve) => setTimeout(resolve, ms));
      this.#atWork.delete(id);
    }
  }

  async function handleAll(count: number, ms: number, options: Partial<ListenerOptions>) {
    const { raw, dead, queue } = await limited();
    const watch = new Watch();
    const listener = orderListener({ queue, declare: false, prefetch: 50, ...options }, (order, { signal }) =>
      watch.work(order.id, ms, signal),
    );
    for (let id = 1; id <= count; id++) await raw.send(queue, { id }, { messageId: `m-${id}` });
    await using running = await startApp(broker.url, { listeners: [listener] });
    await eventually(
      'all handled',
      () => new Set(running.of('handled').map((event) => event.message.messageId)).size === count,
      30_000,
    );
    await eventually('an empty queue', async () => (await raw.ready(queue)) === 0);
    return { watch, running, dead: (await raw.takeAll(dead)).length };
  }

  beside(
    'handles all that waits behind a slow handler, and dead-letters none, whatever it knows of the timeout',
    async () => {
      const { watch, running, dead } = await handleAll(25, 150, {});
      expect(dead).to.equal(0);
      expect(watch.beside).to.deep.equal([]);
      expect(running.count('taken-back')).to.be.at.least(1);
      expect(Math.max(...watch.calls.values())).to.be.at.most(2);
      expect(running.count('disconnected')).to.equal(0);
    },
  );

  beside('gives back what waits too long before the broker takes it, where the timeout is known', async () => {
    const { watch, running, dead } = await handleAll(25, 150, { consumerTimeout: '2s' });
    expect(dead).to.equal(0);
    expect([...watch.calls.values()].every((calls) => calls === 1)).to.equal(true);
    expect(running.count('intake-reduced')).to.equal(1);
    expect(running.of('given-back').every(({ reason }) => reason === 'waited-too-long')).to.equal(true);
    expect([running.count('taken-back'), running.count('interrupted')]).to.deep.equal([0, 0]);
  });

  beside('fires the signal of a handler that runs too long, and calls none beside it', async () => {
    const { raw, dead, queue } = await limited();
    const watch = new Watch();
    const listener = orderListener({ queue, declare: false, concurrency: 2 }, async (order, { signal }) => {
      await watch.work(order.id, order.id === 1 && !watch.calls.has(1) ? 5000 : 10, signal);
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the second call', () => watch.calls.get(1) === 2, 20_000);
    await eventually('an empty queue', () => running.count('handled') === 1);
    await raw.send(queue, { id: 2 });
    await eventually('the next order', () => watch.calls.has(2));
    expect(watch.aborted[0]).to.equal(1);
    expect(watch.beside).to.deep.equal([]);
    expect(running.count('channel-gone')).to.equal(1);
    expect(running.count('disconnected')).to.equal(0);
    expect(await raw.ready(dead)).to.equal(0);
  });

  beside('fires the signal of a handler that outlasts the timeout after the rest was given back', async () => {
    const { raw, dead, queue } = await limited();
    const watch = new Watch();
    const options = { queue, declare: false, consumerTimeout: '2s' } as const;
    const listener = orderListener(options, async (order, { signal }) => {
      await watch.work(order.id, order.id === 1 && !watch.calls.has(1) ? 4500 : 10, signal);
    });
    for (const id of [1, 2, 3]) await raw.send(queue, { id });
    await using running = await startApp(broker.url, { listeners: [listener] });
    await eventually('all handled', () => watch.calls.get(1) === 2 && watch.calls.has(2) && watch.calls.has(3), 30_000);
    await eventually('an empty queue', async () => (await raw.ready(queue)) === 0);
    expect([watch.aborted[0], watch.beside]).to.deep.equal([1, []]);
    expect([running.count('intake-reduced') >= 1, running.count('taken-back')]).to.deep.equal([true, 1]);
    expect([running.count('disconnected'), await raw.ready(dead)]).to.deep.equal([0, 0]);
  });

  beside('leaves its neighbours alone', async () => {
    const { raw, queue } = await limited();
    const neighbour = await raw.declare(unique('neighbour'));
    const handled: number[] = [];
    const listeners = [
      orderListener(
        { queue, declare: false },
        (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
      ),
      orderListener({ queue: neighbour }, (order) => handled.push(order.id)),
    ];
    await using running = await startApp(broker.url, { listeners });
    await raw.send(queue, { id: 1 });
    await eventually('three times taken back', () => running.count('taken-back') >= 3, 30_000);
    await raw.send(neighbour, { id: 7 });
    await eventually('the neighbour', () => handled.includes(7));
    expect(running.of('interrupted').filter((event) => event.queue === neighbour)).to.deep.equal([]);
    expect(running.count('disconnected')).to.equal(0);
  });
});
