import { expect } from 'chai';
import { afterEach, it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachMortalBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

onEachMortalBroker('when a memory alarm lasts while consuming', (broker) => {
  afterEach('end the alarm', async function () {
    this.timeout(60_000);
    await broker.memoryAlarm(false);
  });

  it('goes on consuming: only the publishing connection is blocked', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('alarm'));
    const handled: number[] = [];
    for (let id = 0; id < 50; id++) await raw.send(queue, { id });
    const listener = orderListener({ queue, id: 'alarm', autoStart: false, prefetch: 5 }, (order) =>
      handled.push(order.id),
    );
    // Ordering and ending an alarm takes a program of RabbitMQ each, which takes its time.
    const publisher = { blockedTimeout: '1m', confirmTimeout: '1m' } as const;
    await using running = await startApp(broker.url, { listeners: [listener], publisher });
    await broker.memoryAlarm(true);
    // The broker blocks a connection with its first publish after the alarm.
    const publishing = running.app.publisher.publish('', queue, { id: 50 }).then(
      () => 'confirmed',
      (error: { readonly code: string }) => error.code,
    );
    await eventually('blocked', () => running.of('blocked').some(({ role }) => role === 'publish'));
    await running.app.listeners.get('alarm').start();
    await eventually('all that was there', () => handled.length === 50);
    expect(running.of('blocked').map(({ role }) => role)).to.deep.equal(['publish']);
    expect(running.app.health().status).to.equal('degraded');
    await broker.memoryAlarm(false);
    expect(await publishing).to.equal('confirmed');
    await eventually('what was published meanwhile', () => handled.length === 51);
  }).timeout(60_000);
});
