import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type ListenerOptions, republish } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { type HandleOrder, orderListener } from './support/order.js';
import { onEachBroker, type PrivateBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

/** A handler of orders that calls something which is down for a while. */
class Orders {
  readonly handled = new Map<number, number>();
  isDown = true;
  attempts = 0;

  readonly handle: HandleOrder = async ({ id }) => {
    this.attempts++;
    await delay(1);
    if (this.isDown) throw new Error('the warehouse does not answer');
    this.handled.set(id, (this.handled.get(id) ?? 0) + 1);
  };
}

async function down(broker: PrivateBroker, count: number, options: Partial<ListenerOptions>, quorumLimit?: number) {
  const raw = await broker.raw();
  const name = unique('outage');
  const parked = await raw.declare(`${name}.parked`);
  const orders = new Orders();
  const listener = orderListener(
    {
      queue:
        quorumLimit === undefined ? { name, type: 'classic' } : { name, type: 'quorum', deliveryLimit: quorumLimit },
      id: name,
      retry: { maxAttempts: 3, initialInterval: 20 },
      recoverer: republish('', parked),
      killSwitch: { pause: 200 },
      ...options,
    },
    orders.handle,
  );
  const running = await startApp(broker.url, { listeners: [listener] });
  for (let id = 0; id < count; id++) await raw.send(name, { id });
  return { raw, name, parked, orders, running, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

onEachBroker('when what a listener needs is down', function (broker) {
  this.timeout(60_000);

  for (const [kind, limit] of [
    ['classic', undefined],
    ['quorum', 3],
  ] as const) {
    for (const concurrency of [1, 8]) {
      it(`pauses on a ${kind} queue with concurrency ${concurrency}, parks next to nothing, tries one at a time, and handles each once afterwards`, async () => {
        await using here = await down(broker, 300, { concurrency }, limit);
        const { app } = here.running;
        await eventually('the pause', () => app.listeners.get(here.name).state === 'paused');
        await eventually('rest', () => app.listeners.get(here.name).inspect().atWork === 0);
        const before = here.orders.attempts;
        const since = here.running.count('listener-probed');
        // More probes than the quorum queue allows deliveries.
        await eventually('six probes', () => here.running.count('listener-probed') >= since + 6);
        expect(here.orders.attempts - before).to.be.within(6, 8);
        expect(app.health().status).to.equal('degraded');
        here.orders.isDown = false;
        const parked = () => here.running.count('recovered');
        await eventually('all orders', () => here.orders.handled.size + parked() === 300, 30_000);
        await eventually('an empty queue', async () => (await here.raw.ready(here.name)) === 0);
        expect(parked()).to.be.at.most(20);
        expect([...here.orders.handled.values()].every((times) => times === 1)).to.equal(true);
        expect(await here.raw.ready(here.parked)).to.equal(parked());
        await eventually('health', () => app.health().status === 'up');
        expect(here.running.count('listener-paused')).to.equal(1);
        expect(here.running.count('listener-resumed')).to.equal(1);
        expect(here.running.count('dropped')).to.equal(0);
      });
    }
  }
});
