import { expect } from 'chai';
import { afterEach, before, describe, it } from 'mocha';
import type { BrokerCluster, BrokerNode } from '../../../tools/scripts/brokers.mjs';
import { eventually } from './support/eventually.js';
import { LogLines } from './support/log-lines.js';
import { orderListener } from './support/order.js';
import { OrderTraffic } from './support/order-traffic.js';
import { RawClient } from './support/raw-client.js';
import { allUp, sharedCluster } from './support/shared-cluster.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

// A soak when asked for: LEVERET_CLUSTER_RESTARTS=20.
const restarts = Number(process.env['LEVERET_CLUSTER_RESTARTS'] ?? 2);

describe('when a node of the cluster dies', function () {
  this.timeout(240_000);
  let cluster: BrokerCluster;
  let [first, second, third]: BrokerNode[] = [];

  const shared = sharedCluster();
  before(() => {
    cluster = shared();
    [first, second, third] = cluster.nodes;
  });
  afterEach('start what is down', () => allUp(cluster));

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

  it('confirms and handles again as soon as a quorum queue has another leader, and interrupts no healthy queue', async () => {
    const quorum = new OrderTraffic(unique('cluster.led'), { type: 'quorum' });
    await using raw = await RawClient.connect(third?.url ?? '');
    await raw.once((channel) =>
      channel.assertQueue(quorum.queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } }),
    );
    const leader = await eventually('a leader', () => cluster.leaderOf(quorum.queue));
    const [neighbour, other] = cluster.nodes.filter((node) => node !== leader) as [BrokerNode, BrokerNode];
    // On a node that goes on, where it was declared.
    const classic = new OrderTraffic(unique('cluster.near'));
    await using near = await RawClient.connect(neighbour.url);
    await near.once((channel) => channel.assertQueue(classic.queue, { durable: true }));
    const listeners = () => [quorum.listener(), classic.listener()];
    const urlsFrom = (...nodes: readonly BrokerNode[]) => nodes.map(({ url }) => url);
    const [logOfStaying, logOfMoving] = [new LogLines(), new LogLines()];
    await using staying = await startApp(urlsFrom(neighbour, other, leader), {
      ...{ listeners: listeners(), connection: { shuffle: false }, logger: logOfStaying },
    });
    await using moving = await startApp(urlsFrom(leader, neighbour, other), {
      ...{ listeners: listeners(), connection: { shuffle: false }, logger: logOfMoving },
    });
    for (const traffic of [quorum, classic]) traffic.start(staying.app.publisher, moving.app.publisher);
    await eventually('some traffic', () => quorum.handled > 100 && classic.handled > 100);
    await leader.keepDeclarations();

    const election = await cluster.watchElection(quorum.queue, leader);
    const linesBefore = [logOfStaying.count, logOfMoving.count];
    const killed = performance.now();
    await leader.kill();
    const electedAt = await election();
    const elected = performance.now() - (Date.now() - electedAt);
    const confirmed = await eventually(
      'a confirm',
      () => quorum.firstAfter('confirmed', Math.max(elected, killed)),
      30_000,
    );
    const handled = await eventually(
      'an order handled',
      () => quorum.firstAfter('handled', Math.max(elected, killed)),
      30_000,
    );
    await eventually('more traffic', () => performance.now() - elected > 3000);
    const pauses = (['confirmed', 'handled'] as const).map((what) => Math.round(classic.longestPause(what, killed)));
    console.log(
      `      elected ${Math.round(elected - killed)} ms after the kill; ${Math.round(confirmed - elected)} ms later confirmed, ` +
        `${Math.round(handled - elected)} ms later handled; healthy queue: longest pause ${pauses.join(' and ')} ms; ` +
        `log lines ${logOfStaying.count - (linesBefore[0] ?? 0)} and ${logOfMoving.count - (linesBefore[1] ?? 0)}`,
    );
    expect(confirmed - elected, 'milliseconds from the election to a confirm').to.be.below(6000);
    expect(handled - elected, 'milliseconds from the election to an order handled').to.be.below(6000);
    expect(Math.max(...pauses), 'milliseconds in which the healthy queue stood still').to.be.below(4000);
    for (const traffic of [quorum, classic]) await traffic.stop(60_000);
    expect([quorum.doubled, classic.doubled]).to.deep.equal([[], []]);
  });

  it('goes on with a healthy queue when there is no majority for another, names that one, and loses nothing', async () => {
    const [healthy, stuck] = [new OrderTraffic(unique('cluster.sound')), unique('cluster.stuck')];
    const quorum = new OrderTraffic(stuck, { type: 'quorum' });
    const log = new LogLines();
    await using raw = await RawClient.connect(third?.url ?? '');
    await raw.once((channel) => channel.assertQueue(healthy.queue, { durable: true }));
    // Connected to a node that dies, so that everything is declared and consumed again on the last one.
    const urls = [first, third].map((node) => node?.url ?? '');
    await using running = await startApp(urls, {
      ...{ listeners: [healthy.listener(), quorum.listener()], connection: { shuffle: false }, logger: log },
    });
    for (const traffic of [quorum, healthy]) traffic.start(running.app.publisher);
    await eventually('some traffic', () => quorum.handled > 100 && healthy.handled > 100);
    await third?.keepDeclarations();

    const before = log.count;
    const killed = performance.now();
    await Promise.all([first?.kill(), second?.kill()]);
    // 3.10 ends the connection that asks to consume (541), 4.3 does not answer a declaration.
    const isRefused = () =>
      running.of('disconnected').some(({ error }) => error?.message.includes('541')) ||
      running.of('declare-failed').some(({ error }) => error.message.includes(stuck));
    await eventually('the stuck queue refused', isRefused, 60_000);
    if (restarts > 3) await eventually('a suspect', () => running.count('queue-suspected') > 0, 90_000);
    const handledBy = healthy.handled;
    await eventually('the healthy queue handled on', () => healthy.handled > handledBy + 200, 30_000);
    const pauses = (['confirmed', 'handled'] as const).map((what) => Math.round(healthy.longestPause(what, killed)));
    console.log(
      `      no majority for ${Math.round(performance.now() - killed)} ms; healthy queue: longest pause ` +
        `${pauses.join(' and ')} ms; log lines ${log.count - before}`,
    );
    expect(Math.max(...pauses), 'milliseconds in which the healthy queue stood still').to.be.below(6000);
    const { status, listeners } = running.app.health();
    expect(status).to.equal('degraded');
    expect(listeners.filter(({ attached }) => attached === 0).map(({ id }) => id)).to.deep.equal([stuck]);
    const standsStill = () => running.app.health().standstills.some((each) => JSON.stringify(each).includes(stuck));
    await eventually('the stuck queue among the standstills', standsStill, 30_000);
    expect(log.names(stuck, before), 'a line that names the queue').to.equal(true);

    await Promise.all([first?.start(), second?.start()]);
    for (const traffic of [quorum, healthy]) await traffic.stop(90_000);
    expect([quorum.doubled, healthy.doubled]).to.deep.equal([[], []]);
    await eventually('everything up again', () => running.app.health().status === 'up', 60_000);
  });

  it('loses, doubles and dead-letters nothing when nodes are restarted one by one', async function () {
    this.timeout(120_000 + restarts * 40_000);
    const queue = unique('cluster.rolling');
    const traffic = new OrderTraffic(queue, { type: 'quorum', deliveryLimit: 5 });
    const options = { deadLetter: true, prefetch: 50 };
    await using one = await startApp(cluster.urls, { listeners: [traffic.listener(options)] });
    await using two = await startApp(cluster.urls, { listeners: [traffic.listener(options)] });
    traffic.start(one.app.publisher, two.app.publisher);
    const began = performance.now();
    for (let restart = 0; restart < restarts; restart++) {
      const node = cluster.nodes[restart % cluster.nodes.length];
      const before = traffic.handled;
      await eventually('some traffic', () => traffic.handled > before + 100, 30_000);
      await node?.stop();
      await node?.start();
      await cluster.formed();
    }
    const pauses = (['confirmed', 'handled'] as const).map((what) => Math.round(traffic.longestPause(what, began)));
    await traffic.stop(60_000);
    console.log(
      `      ${restarts} restarts, ${traffic.handled} orders, ${one.count('duplicate') + two.count('duplicate')} duplicates stopped; ` +
        `longest pause ${pauses.join(' and ')} ms`,
    );
    expect(traffic.doubled).to.deep.equal([]);
    await using raw = await RawClient.connect(first?.url ?? '');
    expect(await raw.ready(`${queue}.dlq`), 'dead letters').to.equal(0);
    expect(one.count('dropped') + two.count('dropped')).to.equal(0);
  });
});
