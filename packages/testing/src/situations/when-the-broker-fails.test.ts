import { expect } from 'chai';
import { describe, it } from 'mocha';
import { HarnessError, NotSettledError, TestHarness } from '../index.js';
import { eventually } from '../test-support/eventually.js';
import { orderSample } from '../test-support/orders.js';
import { rejectionOf } from '../test-support/rejection-of.js';

const broker = 'embedded';

describe('when the broker fails', () => {
  it('waits until the application is back after its connections were cut', async () => {
    const { queue, Orders, overrides } = orderSample();
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async (id) => `paid ${id}`),
    });
    await harness.publish('', queue, { id: 1 });
    await harness.settled();
    expect(harness.faults.cutConnections()).to.equal(2);
    await harness.settled();
    expect(harness.app.health().status).to.equal('up');
    await harness.publish('', queue, { id: 2 });
    await harness.settled();
    expect(harness.listener(Orders, 'onOrder').calls.map(({ result }) => result)).to.deep.equal(['paid 1', 'paid 2']);
  });

  it('shows both deliveries of a message whose connection went away under its handler', async () => {
    const { queue, Orders, overrides } = orderSample();
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async () => {
        harness.faults.cutConnections(/./);
        await eventually('the application knows', () => harness.app.health().status === 'down');
        return '';
      }),
    });
    await harness.publish('', queue, { id: 1 });
    await harness.settled();
    const listener = harness.listener(Orders, 'onOrder');
    // It was handled, which could not be said then: it is said of the second delivery, without the handler.
    expect(listener.outcomes).to.deep.equal(['channel-gone', 'duplicate']);
    expect(listener.calls.map(({ message }) => message.redelivered)).to.deep.equal([false]);
  });

  it('publishes again after a nack, once time has passed', async () => {
    const { errorQueue, topology } = orderSample();
    await using harness = await TestHarness.start({
      broker,
      topology,
      publisher: { retry: { maxAttempts: 2, initialInterval: '10s' } },
    });
    harness.faults.nackNextConfirms();
    const published = harness.publish('', errorQueue, { id: 1 });
    await harness.advance('10s');
    expect(await published).to.include({ attempts: 2 });
    expect(await harness.queue(errorQueue).messages).to.have.lengthOf(1);
  });

  it('says what to do about a publish that waits for time to pass', async () => {
    const { errorQueue, topology } = orderSample();
    await using harness = await TestHarness.start({
      broker,
      topology,
      timeout: 200,
      publisher: { retry: { maxAttempts: 2, initialInterval: '10s' } },
    });
    harness.faults.nackNextConfirms();
    const error = await rejectionOf(harness.publish('', errorQueue, { id: 1 }));
    expect(error).to.be.instanceOf(NotSettledError);
    expect((error as Error).message).to.match(
      /not confirmed within 200 ms.*harness\.advance\(\)[\s\S]*the publisher holds 1 message/,
    );
    expect(((await rejectionOf(harness.settled())) as NotSettledError).pending).to.have.lengthOf(1);
    await harness.advance('10s');
    await harness.settled();
  });

  it('lets a publish to a silent broker run out of time', async () => {
    const { errorQueue, topology } = orderSample();
    await using harness = await TestHarness.start({
      broker,
      topology,
      publisher: { confirmTimeout: '15s', retry: { maxAttempts: 1 } },
    });
    await harness.publish('', errorQueue, { id: 0 });
    harness.faults.dropFrames('received');
    const published = rejectionOf(harness.publish('', errorQueue, { id: 1 }));
    await harness.advance('15s');
    expect(await published).to.have.property('code', 'LEV_PUBLISH_CONFIRM_TIMEOUT');
    harness.faults.clear();
  });

  it('names the listener that cannot come back', async () => {
    const { listenerId, queue, Orders, overrides } = orderSample();
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async () => ''),
      timeout: 300,
    });
    harness.faults.refuseConnections();
    harness.faults.cutConnections();
    const { pending } = (await rejectionOf(harness.settled())) as NotSettledError;
    expect(pending.join('\n'))
      .to.match(/the connection to consume is/)
      .and.contain(`listener ${listenerId} has 0 of 1`);
    harness.faults.clear();
    await harness.settled({ timeout: '5s' });
    await harness.publish('', queue, { id: 1 });
    await harness.settled();
  }).timeout(8000);

  it('sees what is delivered twice', async () => {
    const { queue, Orders, overrides } = orderSample();
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async () => ''),
    });
    harness.faults.deliverTwice();
    await harness.publish('', queue, { id: 1 }, { messageId: 'twice' });
    await harness.settled();
    const { calls } = harness.listener(Orders, 'onOrder');
    expect(calls.map(({ message }) => message.messageId)).to.deep.equal(['twice', 'twice']);
  });

  it('keeps durable messages over a restart of the broker', async () => {
    const { errorQueue, topology } = orderSample();
    await using harness = await TestHarness.start({ broker, topology });
    await harness.publish('', errorQueue, { id: 1 });
    await harness.broker.restart();
    await harness.settled();
    expect(await harness.queue(errorQueue).messages).to.have.lengthOf(1);
  });

  it('goes on with its listeners once a killed broker is back', async () => {
    const { queue, Orders, overrides } = orderSample();
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async () => ''),
    });
    await harness.broker.kill();
    await harness.broker.restart();
    await harness.settled({ timeout: '5s' });
    await harness.publish('', queue, { id: 1 });
    await harness.settled();
    expect(harness.listener(Orders, 'onOrder').outcomes).to.deep.equal(['handled']);
  }).timeout(8000);

  it('has no faults to offer on a real broker, and says what to do', async () => {
    await using embedded = await TestHarness.start({ broker });
    await using harness = await TestHarness.start({ broker: embedded.url as `amqp://${string}` });
    expect([embedded.embedded, harness.embedded]).to.deep.equal([true, false]);
    for (const ask of [() => harness.faults, () => harness.broker]) {
      expect(ask).to.throw(HarnessError, /needs the embedded broker/);
    }
  });
});
