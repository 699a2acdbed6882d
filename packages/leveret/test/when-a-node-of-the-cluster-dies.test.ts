import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { type BrokerCluster, type BrokerNode, startCluster } from '../../../scripts/brokers.mjs';
import { needs } from '../../../scripts/needs.mjs';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { RawClient } from './support/raw-client.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

describe('when a node of the cluster dies', function () {
  this.timeout(240_000);
  let cluster: BrokerCluster;
  let [first, second, third]: BrokerNode[] = [];

  before(needs('private brokers'));
  before('start three nodes', async () => {
    cluster = await startCluster();
    [first, second, third] = cluster.nodes;
  });
  after(() => cluster?.remove());

  it('goes on with every queue but the one whose node is down, and with that one when it is back', async () => {
    const [quorum, classic] = [unique('cluster.quorum'), unique('cluster.classic')];
    await using raw = await RawClient.connect(third?.url ?? '');
    await raw.once((channel) => channel.assertQueue(classic, { durable: true }));
    await third?.keepDeclarations();
    const handled = new Set<string>();
    const listeners = [
      orderListener({ queue: { name: classic }, id: 'classic' }, (order) => void handled.add(`classic ${order.id}`)),
      orderListener({ queue: { name: quorum, type: 'quorum' }, id: 'quorum' }, (order) => {
        handled.add(`quorum ${order.id}`);
      }),
    ];
    // Connected to the node that dies, so that everything is declared again on another.
    const urls = [third, first, second].map((node) => node?.url ?? '');
    await using running = await startApp(urls, { listeners, connection: { shuffle: false } });
    const { publisher } = running.app;
    await publisher.sendToQueue(quorum, { id: 1 });
    await eventually('the first order', () => handled.has('quorum 1'));

    await third?.kill();
    await eventually('another connection', () => running.of('connected').filter(({ again }) => again).length >= 2);
    const since = performance.now();
    await publisher.sendToQueue(quorum, { id: 2 });
    await eventually('an order of the healthy queue', () => handled.has('quorum 2'), 10_000);
    expect(performance.now() - since, 'milliseconds until the healthy queue was handled').to.be.below(6000);
    const named = await eventually('the dead queue named', () =>
      running.of('declare-failed').find(({ error }) => error.message.includes(classic)),
    );
    expect(named.error).to.include({ code: 'LEV_TOPOLOGY_UNAVAILABLE' });
    expect(running.app.health().status).to.equal('degraded');

    await third?.start();
    await eventually('the dead queue consumed again', () => running.app.health().status === 'up', 60_000);
    await publisher.sendToQueue(classic, { id: 3 });
    await eventually('an order of the queue that was dead', () => handled.has('classic 3'));
  });

  it('starts without a queue whose node is down, if it may, or says within seconds that it cannot', async () => {
    const [healthy, dead] = [unique('cluster.healthy'), unique('cluster.dead')];
    await using raw = await RawClient.connect(third?.url ?? '');
    await raw.once((channel) => channel.assertQueue(dead, { durable: true }));
    await third?.keepDeclarations();
    await third?.kill();
    const handled = new Set<string>();
    const listeners = [healthy, dead].map((name) =>
      orderListener({ queue: { name }, id: name }, ({ id }) => void handled.add(`${name} ${id}`)),
    );
    const urls = [first, second].map((node) => node?.url ?? '');

    const startedAt = performance.now();
    const failure = await startApp(urls, { listeners }).catch((error: unknown) => error);
    expect(failure).to.include({ code: 'LEV_TOPOLOGY_UNAVAILABLE' });
    expect((failure as Error).message).to.include(dead);
    expect(performance.now() - startedAt, 'milliseconds until the start failed').to.be.below(20_000);

    await using running = await startApp(urls, { listeners, start: 'degraded' });
    expect(running.app.health().status).to.equal('degraded');
    await running.app.publisher.sendToQueue(healthy, { id: 1 });
    await eventually('an order of the healthy queue', () => handled.has(`${healthy} 1`));

    await third?.start();
    await eventually('the dead queue consumed', () => running.app.health().status === 'up', 60_000);
    await running.app.publisher.sendToQueue(dead, { id: 2 });
    await eventually('an order of the queue that was dead', () => handled.has(`${dead} 2`));
  });
});
