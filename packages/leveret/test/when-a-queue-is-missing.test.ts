import { expect } from 'chai';
import { Leveret, type LeveretError, silentLogger } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { Resumption } from './support/resumption.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

onEachBroker('when a queue is missing that nobody declares', (broker) => {
  it('fails the start by default, and names listener and queue [spring 65]', async () => {
    const queue = unique('missing');
    const listener = orderListener({ queue, declare: false, id: 'orders' }, () => undefined);
    const error = await Leveret.start({
      connection: { urls: broker.url },
      listeners: [listener],
      logger: silentLogger,
    }).then(
      () => undefined,
      (reason: LeveretError) => reason,
    );
    expect(error?.code).to.equal('LEV_QUEUE_MISSING');
    expect(error?.message).to.contain(queue).and.to.contain('orders');
  });

  it('waits for it with missingQueue: wait, and consumes once somebody declares it [spring 64]', async () => {
    const raw = await broker.raw();
    const [queue, neighbour] = [unique('missing'), await raw.declare(unique('neighbour'))];
    const [resumption, other] = [new Resumption(raw, queue), new Resumption(raw, neighbour)];
    const listeners = [
      orderListener({ queue, declare: false, missingQueue: 'wait' }, resumption.took),
      orderListener({ queue: neighbour }, other.took),
    ];
    await using running = await startApp(broker.url, { listeners });
    await other.untilTaken();
    expect(running.of('interrupted').map(({ queue: missing, cause }) => [missing, cause])).to.deep.equal([
      [queue, 'queue-missing'],
    ]);
    await raw.declare(queue);
    await resumption.untilTaken();
    expect(running.of('interrupted')).to.have.lengthOf(1);
  });

  it('can be closed while it waits', async () => {
    const listener = orderListener({ queue: unique('missing'), declare: false, missingQueue: 'wait' }, () => undefined);
    await using running = await startApp(broker.url, { listeners: [listener] });
    await eventually('the wait', () => running.count('interrupted') === 1);
    const at = performance.now();
    await running.app.close();
    expect(performance.now() - at).to.be.below(5000);
  });
});
