import { expect } from 'chai';
import { Leveret, type LeveretError, silentLogger } from 'leveret';
import { it } from 'mocha';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { Resumption } from './support/resumption.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

onEachBroker('when a queue exists with other arguments', (broker) => {
  it('says which argument differs and what the broker has, and consumes all the same; neighbours live [spring 60]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('differs'), { messageTtl: 60_000 });
    const neighbour = unique('neighbour');
    const [resumption, other] = [new Resumption(raw, queue), new Resumption(raw, neighbour)];
    const listeners = [
      orderListener({ queue: { name: queue, messageTtl: '30s' } }, resumption.took),
      orderListener({ queue: { name: neighbour } }, other.took),
    ];
    await using running = await startApp(broker.url, { listeners });
    const refused = running.of('declare-failed').map(({ error }) => error as LeveretError);
    expect(refused.map(({ code }) => code)).to.deep.equal(['LEV_TOPOLOGY_MISMATCH']);
    for (const part of [queue, 'x-message-ttl', '60000', '30000', 'policy']) {
      expect(refused[0]?.message).to.contain(part);
    }
    await resumption.untilTaken();
    await other.untilTaken();
    expect(running.count('interrupted')).to.equal(0);
  });

  it('stops the start with mismatch: fail, and leaves the queue as it is', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('differs'), { durable: false, autoDelete: false });
    await raw.send(queue, { id: 1 });
    const listener = orderListener({ queue: { name: queue } }, () => undefined);
    const error = await Leveret.start({
      connection: { urls: broker.url },
      listeners: [listener],
      mismatch: 'fail',
      logger: silentLogger,
    }).then(
      () => undefined,
      (reason: LeveretError) => reason,
    );
    expect(error?.code).to.equal('LEV_TOPOLOGY_MISMATCH');
    expect(error?.message).to.contain(queue).and.to.contain('durable');
    expect(await raw.ready(queue)).to.equal(1);
    await raw.deleteQueue(queue);
  });

  it('takes a queue that is only named as it is', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('as-is'), { maxLength: 5, messageTtl: 60_000 });
    const resumption = new Resumption(raw, queue);
    await using running = await startApp(broker.url, { listeners: [orderListener(queue, resumption.took)] });
    await resumption.untilTaken();
    expect(running.count('declare-failed')).to.equal(0);
  });

  it('declares a queue that is only named when it is missing', async () => {
    const raw = await broker.raw();
    const queue = unique('only-named');
    const resumption = new Resumption(raw, queue);
    await using _running = await startApp(broker.url, { listeners: [orderListener(queue, resumption.took)] });
    await resumption.untilTaken();
    expect(await broker.management.queue(queue)).to.include({ durable: true });
  });
});
