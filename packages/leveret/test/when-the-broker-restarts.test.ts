import { expect } from 'chai';
import { it } from 'mocha';
import { onEachMortalBroker } from './support/private-broker.js';
import { startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

onEachMortalBroker('when the broker restarts', function (broker) {
  this.timeout(120_000);
  it('keeps a persistent message in a durable queue, and loses everything else', async () => {
    const exchange = unique('restart.direct');
    const durable = unique('restart.durable');
    const transient = unique('restart.transient');
    const before = await broker.raw();
    await before.once(async (channel) => {
      await channel.assertExchange(exchange, 'direct', { durable: true });
      for (const queue of [durable, transient]) {
        await channel.assertQueue(queue, { durable: queue === durable });
        await channel.bindQueue(queue, exchange, queue);
      }
    });
    await using running = startPublisher(broker.url);
    const { publisher } = running;
    await publisher.publish(exchange, durable, 'persistent');
    await publisher.publish(exchange, durable, 'transient', { persistent: false });
    await publisher.publish(exchange, transient, 'persistent in a transient queue');

    await broker.stop();
    await broker.start();

    const raw = await broker.raw();
    expect(await raw.exchangeExists(exchange)).to.equal(true);
    expect(await raw.ready(transient)).to.equal(undefined);
    expect((await raw.takeAll(durable)).map(({ text }) => text)).to.deep.equal(['persistent']);
    expect(await publisher.publish(exchange, durable, 'after')).to.include({ confirmed: true });
  });
});
