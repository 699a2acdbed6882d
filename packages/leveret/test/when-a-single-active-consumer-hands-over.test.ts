import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

onEachBroker('when a single active consumer hands over', function (broker) {
  this.timeout(60_000);

  for (const type of ['classic', 'quorum'] as const) {
    for (const prefetch of [undefined, 20]) {
      const fetching = prefetch === undefined ? '' : ` with ${prefetch} fetched in advance`;
      it(`keeps the order of a ${type} queue${fetching}, and begins when the predecessor has ended`, async () => {
        const raw = await broker.raw();
        const queue = { name: unique('hand.over'), type, singleActiveConsumer: true };
        const handled: number[] = [];
        let atWork = 0;
        let most = 0;
        const listener = (id: string) =>
          orderListener({ queue, id, ...(prefetch === undefined ? {} : { prefetch }) }, async (order) => {
            most = Math.max(most, ++atWork);
            // Longer than a hand-over takes: a successor that begins early is seen at work beside it.
            await delay(25);
            atWork--;
            handled.push(order.id);
          });
        await using old = await startApp(broker.url, { listeners: [listener('old')] });
        await using successor = await startApp(broker.url, { listeners: [listener('new')] });
        const ids = Array.from({ length: 40 }, (_, index) => index);
        for (const id of ids) await raw.send(queue.name, { id });
        await eventually('some orders', () => handled.length >= 5);
        await old.app.close();
        const byOld = old.count('handled');
        await eventually('all orders', () => handled.length === ids.length);
        expect(handled).to.deep.equal(ids);
        expect(most, 'handlers at work at once').to.equal(1);
        expect(byOld).to.be.within(5, 39);
        expect(successor.count('handled')).to.equal(ids.length - byOld);
      });
    }
  }
});
