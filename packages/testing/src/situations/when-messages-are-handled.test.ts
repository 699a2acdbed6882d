import { expect } from 'chai';
import { it } from 'mocha';
import { TestHarness } from '../index.js';
import { onEachBroker } from '../test-support/brokers.js';
import { Order, orderSample } from '../test-support/orders.js';

onEachBroker('when messages are handled', ({ broker, isReal }) => {
  it('shows each call with its arguments and its result, and each outcome', async () => {
    const { queue, Orders, overrides } = orderSample({ isReal });
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async (id, tenant) => `${id} of ${tenant}`),
    });
    await harness.publish('', queue, { id: 7 }, { headers: { 'x-tenant': 'north' }, messageId: 'm-7' });
    await harness.publish('', queue, { id: 8 });
    await harness.settled();
    const listener = harness.listener(Orders, 'onOrder');
    expect(listener.outcomes).to.deep.equal(['handled', 'handled']);
    const [first, second] = listener.calls;
    expect(listener.payloads).to.deep.equal([{ id: 7 }, { id: 8 }]);
    expect(first?.payload).to.be.instanceOf(Order).and.equal(first?.arguments[0]);
    expect(first?.arguments.slice(0, 2)).to.deep.equal([{ id: 7 }, 'north']);
    expect(first).to.include({ state: 'returned', result: '7 of north', error: undefined, attempt: 1 });
    expect(first?.message.messageId).to.equal('m-7');
    expect(second).to.include({ state: 'returned', result: '8 of undefined' });
  });

  it('waits for handlers that take their time', async () => {
    const { queue, Orders, overrides } = orderSample({ isReal });
    const done: number[] = [];
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async (id) => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        done.push(id);
        return '';
      }),
    });
    for (const id of [1, 2, 3]) await harness.publish('', queue, { id });
    await harness.settled();
    expect(done).to.deep.equal([1, 2, 3]);
  });

  it('waits for what handlers publish, over several queues', async () => {
    const first = orderSample({ isReal });
    const second = orderSample({ isReal });
    let harness: TestHarness | undefined;
    await using started = await TestHarness.start({
      broker,
      listeners: [first.Orders, second.Orders],
      overrides: first.overrides(async (id) => {
        // Not awaited on purpose: it is a publish without a handler around it that has to be waited for.
        if (id < 5) void harness?.app.publisher.sendToQueue(id % 2 ? second.queue : first.queue, { id: id + 1 });
        return '';
      }),
    });
    harness = started;
    await harness.publish('', first.queue, { id: 1 });
    await harness.settled();
    const ids = ({ Orders }: typeof first) =>
      started.listener(Orders, 'onOrder').calls.map(({ arguments: [order] }) => order.id);
    expect(ids(first)).to.deep.equal([1, 3, 5]);
    expect(ids(second)).to.deep.equal([2, 4]);
    expect(started.listener(first.listenerId).outcomes).to.have.lengthOf(3);
  });

  it('shows the messages that wait in a queue, with their payload', async () => {
    const { errorQueue, topology } = orderSample({ isReal });
    await using harness = await TestHarness.start({ broker, topology });
    await harness.publish('', errorQueue, { id: 1 }, { headers: { 'x-n': 1 }, messageId: 'one', type: 'order' });
    await harness.publish('', errorQueue, 'text');
    await harness.publish('', errorQueue, Buffer.from('{ broken'), { contentType: 'application/json' });
    const messages = await harness.queue(errorQueue).messages;
    expect(messages.map(({ payload }) => payload)).to.deep.equal([{ id: 1 }, 'text', Buffer.from('{ broken')]);
    expect(messages[0]).to.include({
      messageId: 'one',
      type: 'order',
      contentType: 'application/json',
      deliveryMode: 2,
      exchange: '',
      routingKey: errorQueue,
      text: '{"id":1}',
    });
    expect(messages[0]?.headers).to.deep.equal({ 'x-n': 1 });
    expect(await harness.queue(errorQueue).messages).to.have.lengthOf(3);
  });

  it('names the queue that is not there', async () => {
    await using harness = await TestHarness.start({ broker });
    const error = await harness.queue('no.such.queue').messages.catch((reason: unknown) => reason);
    expect(error).to.have.property('name', 'HarnessError');
    expect((error as Error).message).to.contain('no.such.queue');
  });
});
