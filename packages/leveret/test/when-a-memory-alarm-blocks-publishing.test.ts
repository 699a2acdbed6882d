import { PublishError } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, it } from 'mocha';
import { eventually, inTime } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachMortalBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { failureOf, startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

onEachMortalBroker('when a memory alarm blocks publishing', function (broker) {
  this.timeout(60_000);
  const raiseAlarm = () => broker.memoryAlarm(true);
  const clearAlarm = () => broker.memoryAlarm(false);
  afterEach(clearAlarm);

  it('holds messages back, goes on consuming, and confirms all when the alarm is over', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('blocked'));
    await raw.send(queue, 'already there');
    await using running = startPublisher(broker.url, { confirmTimeout: '5s', blockedTimeout: '1m', retry: false });
    await running.publisher.sendToQueue(queue, 'before');
    await raiseAlarm();
    const publishing = Array.from({ length: 20 }, (_, index) => running.publisher.sendToQueue(queue, index));
    await eventually('the connection to be blocked', () => running.transport.publishBlocked);
    const held = running.publisher.sendToQueue(queue, 'held back');
    // Consuming is on the other connection: it sees what was there before the alarm.
    let consumed = 0;
    const subscription = running.transport.subscribe(
      {
        queue,
        prefetch: 10,
        noAck: true,
        exclusive: false,
        priority: undefined,
        arguments: {},
        tagPrefix: 'test',
        missingQueue: 'fail',
      },
      { deliver: () => consumed++, consuming() {}, interrupted() {}, failed() {} },
    );
    await eventually('the two messages of before', () => consumed === 2);
    expect(running.publisher.stats).to.include({ confirmed: 1, failed: 0 });
    await clearAlarm();
    const receipts = await inTime('every confirm', Promise.all([...publishing, held]));
    expect(receipts.every(({ attempts }) => attempts === 1)).to.equal(true);
    await eventually('all messages', () => consumed === 23);
    await subscription.close();
  });

  it('lets an application close within the closeTimeout of its publisher', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('blocked'));
    await using running = await startApp(broker.url, {
      listeners: [orderListener({ queue }, () => {})],
      publisher: { closeTimeout: '1s' },
    });
    const { publisher } = running.app;
    await publisher.sendToQueue(queue, { id: 1 });
    await raiseAlarm();
    const stuck = [1, 2, 3].map((id) => failureOf(publisher.sendToQueue(queue, { id })));
    await eventually('the connection to be blocked', () => running.count('blocked') === 1);
    const began = performance.now();
    await running.app.close();
    expect(performance.now() - began).to.be.within(950, 5000);
    for (const error of await Promise.all(stuck)) expect(error).to.include({ code: 'LEV_PUBLISHER_CLOSED' });
  });

  it('rejects what was not sent within blockedTimeout, and does not send it later', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('blocked'));
    await using running = startPublisher(broker.url, { blockedTimeout: '300ms', confirmTimeout: '1m' });
    await running.publisher.sendToQueue(queue, 'before');
    await raiseAlarm();
    const inFlight = running.publisher.sendToQueue(queue, 'in flight');
    await eventually('the connection to be blocked', () => running.transport.publishBlocked);
    const error = await failureOf(running.publisher.sendToQueue(queue, 'held back'));
    expect(error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_BLOCKED', fate: 'not-sent', attempts: 0 });
    await clearAlarm();
    await inTime('the confirm of what was in flight', inFlight);
    expect((await raw.takeAll(queue)).map(({ text }) => text)).to.deep.equal(['before', 'in flight']);
  });
});
