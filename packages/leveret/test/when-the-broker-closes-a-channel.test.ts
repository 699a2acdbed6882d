import { expect } from 'chai';
import { it } from 'mocha';
import { eventually, gate } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { Resumption, report } from './support/resumption.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when the broker closes a channel', (broker) => {
  it('brings that consumer back at once, and its neighbours do not notice', async () => {
    const raw = await broker.raw();
    const [victim, neighbour] = [await raw.declare(unique('victim')), await raw.declare(unique('neighbour'))];
    const resumption = new Resumption(raw, victim);
    const held = gate();
    const neighbours: number[] = [];
    const listeners = [
      orderListener({ queue: victim, id: 'victim' }, resumption.took),
      orderListener({ queue: neighbour, id: 'neighbour' }, async (order) => {
        await held.opened;
        neighbours.push(order.id);
      }),
    ];
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners });
    await raw.send(neighbour, { id: 1 });
    await eventually('the neighbour at work', () => running.count('received') === 1);
    const at = performance.now();
    // A 406 for an ack of something unknown, as of a handler that goes past the framework to the channel.
    await proxy.ackUnknown(proxy.channelOf('victim'));
    const ms = await resumption.untilTaken(at);
    report(broker.name, 'the channel is closed by a 406', ms);
    expect(ms).to.be.below(1000);
    held.open();
    await eventually('the neighbour’s order', () => neighbours.length === 1);
    expect(running.of('interrupted').map(({ listenerId, cause }) => [listenerId, cause])).to.deep.equal([
      ['victim', 'channel-closed'],
    ]);
    expect(running.of('interrupted')[0]?.error?.message).to.contain('unknown delivery tag');
    expect(running.count('disconnected')).to.equal(0);
    expect(neighbours).to.deep.equal([1]);
    expect(running.app.health().status).to.equal('up');
  });

  it('takes no harm from deliveries that were on their way when the channel was closed', async () => {
    const raw = await broker.raw();
    const [victim, neighbour] = [await raw.declare(unique('victim')), await raw.declare(unique('neighbour'))];
    const resumption = new Resumption(raw, victim);
    const other = new Resumption(raw, neighbour);
    const listeners = [
      orderListener({ queue: victim, id: 'victim' }, resumption.took),
      orderListener({ queue: neighbour, id: 'neighbour' }, other.took),
    ];
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners });
    const closed = proxy.channelOf('victim');
    const late = () => proxy.deliver(closed);
    const stop = running.app.on(({ type }) => type === 'interrupted' && late());
    await proxy.ackUnknown(closed);
    await eventually('consuming again', () => running.count('consuming') === 3);
    stop();
    late();
    await other.untilTaken();
    await resumption.untilTaken();
    expect(running.of('disconnected').map(({ error }) => String(error))).to.deep.equal([]);
    expect(running.count('interrupted')).to.equal(1);
  });

  it('does not settle what the closed channel had delivered; it comes again', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('victim'));
    const held = gate();
    const redelivered: boolean[] = [];
    const listener = orderListener({ queue, id: 'victim' }, async (_order, context) => {
      redelivered.push(context.redelivered);
      if (!context.redelivered) await held.opened;
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the handler at work', () => redelivered.length === 1);
    await proxy.ackUnknown(proxy.channelOf('victim'));
    await eventually('consuming again', () => running.count('consuming') === 2);
    held.open();
    await eventually('the second delivery', () => running.count('handled') === 1);
    expect(redelivered).to.deep.equal([false, true]);
    expect(running.count('channel-gone')).to.equal(1);
  });

  it('does not hurt consumers when something is published to a missing exchange [a 404 elsewhere]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('neighbour'));
    const resumption = new Resumption(raw, queue);
    const listeners = [orderListener({ queue }, resumption.took)];
    await using running = await startApp(broker.url, { listeners });
    const failed = await running.app.publisher.publish(unique('nowhere'), 'key', { id: 1 }).then(
      () => 'published',
      (error: { readonly code: string }) => error.code,
    );
    expect(failed).to.equal('LEV_PUBLISH_EXCHANGE_MISSING');
    await resumption.untilTaken();
    expect(running.count('interrupted')).to.equal(0);
    expect(running.count('disconnected')).to.equal(0);
  });

  it('refuses a second, different settlement by a manual handler, and nothing happens to the channel [spring 14]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('twice'));
    const seen: unknown[] = [];
    const listener = orderListener({ queue, acknowledge: 'manual' }, (order, context) => {
      seen.push(order.id, context.ack(), context.ack());
      try {
        context.reject();
      } catch (error) {
        seen.push((error as { readonly code: string }).code);
      }
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    for (const id of [1, 2, 3]) await raw.send(queue, { id });
    await eventually('three settlements', () => proxy.settlements().length === 3);
    await running.app.close();
    expect(proxy.settlements()).to.deep.equal(['ack', 'ack', 'ack']);
    expect(seen.filter((value) => value === 'LEV_ALREADY_SETTLED')).to.have.lengthOf(3);
    expect(running.count('interrupted')).to.equal(0);
    expect(await raw.ready(queue)).to.equal(0);
  });
});
