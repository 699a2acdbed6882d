import { expect } from 'chai';
import { RejectMessage } from 'leveret';
import { it } from 'mocha';
import { HandlerFailuresError, NotSettledError, TestHarness } from '../index.js';
import { onEachBroker } from '../test-support/brokers.js';
import { orderSample } from '../test-support/orders.js';
import { rejectionOf } from '../test-support/rejection-of.js';

const noStock = new Error('no stock', { cause: new Error('the shelf is empty') });
const fails = async (): Promise<string> => {
  throw noStock;
};

onEachBroker('when handlers fail', ({ broker, isReal }) => {
  it('tells the test of a failure that it did not expect, with the cause, once', async () => {
    const { listenerId, queue, Orders, overrides } = orderSample({ isReal, defaultRequeueRejected: false });
    await using harness = await TestHarness.start({ broker, listeners: [Orders], overrides: overrides(fails) });
    await harness.publish('', queue, { id: 1 });
    const error = await rejectionOf(harness.settled());
    expect(error).to.be.instanceOf(HandlerFailuresError);
    const { errors, cause, message } = error as HandlerFailuresError;
    expect(errors).to.deep.equal([noStock]);
    expect(cause).to.equal(noStock);
    expect(message).to.match(/attempt 1 of listener Orders\..*: .*no stock/);
    expect(message).to.contain(listenerId);
    expect(message).to.contain('expectFailures');
    await harness.settled();
    expect(harness.listener(Orders, 'onOrder').outcomes).to.deep.equal(['dropped']);
    expect(harness.listener(Orders, 'onOrder').calls[0]).to.include({ state: 'threw', error: noStock });
  });

  it('tells of it when the harness is closed, if the test never asked', async () => {
    const { queue, Orders, overrides } = orderSample({ isReal, defaultRequeueRejected: false });
    let handled = () => {};
    const called = new Promise<void>((resolve) => {
      handled = resolve;
    });
    const harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async () => {
        handled();
        throw noStock;
      }),
    });
    await harness.publish('', queue, { id: 1 });
    await called;
    expect(await rejectionOf(harness.close())).to.be.instanceOf(HandlerFailuresError);
  });

  it('says nothing of failures that the test expects, by text, class or function', async () => {
    const { queue, Orders, overrides } = orderSample({ isReal, defaultRequeueRejected: false });
    const faults = [new Error('no stock'), new RangeError('other'), new Error('wrapped', { cause: noStock })];
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async (id) => {
        throw faults[id] as Error;
      }),
      expectFailures: /no stock/,
    });
    for (const id of [0, 1, 2]) await harness.publish('', queue, { id });
    const error = await rejectionOf(harness.settled());
    expect((error as HandlerFailuresError).errors).to.deep.equal([faults[1]]);
    harness.expectFailures(RangeError);
    await harness.publish('', queue, { id: 1 });
    await harness.settled();
  });

  it('takes what a handler asks for as no failure', async () => {
    const { queue, Orders, overrides } = orderSample({ isReal });
    await using harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(async () => {
        throw new RejectMessage('unknown order');
      }),
    });
    await harness.publish('', queue, { id: 1 });
    await harness.settled();
    expect(harness.listener(Orders, 'onOrder').outcomes).to.deep.equal(['dropped']);
  });

  it('tells of messages that cannot be read, which no handler ever sees', async () => {
    const { queue, Orders, overrides } = orderSample({ isReal });
    await using harness = await TestHarness.start({ broker, listeners: [Orders], overrides: overrides(fails) });
    await harness.publish('', queue, { id: 'no number' });
    const error = await rejectionOf(harness.settled());
    expect((error as Error).message).to.match(/a message that listener Orders\..* cannot handle/);
    const listener = harness.listener(Orders, 'onOrder');
    expect([listener.calls, listener.outcomes]).to.deep.equal([[], ['dropped']]);
  });

  it('shows what is parked, with why', async () => {
    const sample = orderSample({ isReal, retry: { maxAttempts: 2, initialInterval: 1 } });
    await using harness = await TestHarness.start({
      broker,
      listeners: [sample.Orders],
      topology: sample.topology,
      overrides: sample.overrides(fails),
      expectFailures: /no stock/,
    });
    await harness.publish('', sample.queue, { id: 1 });
    await harness.settled({ includeRetries: true });
    expect(harness.listener(sample.Orders, 'onOrder').outcomes).to.deep.equal(['recovered']);
    const [parked] = await harness.queue(sample.errorQueue).messages;
    expect(parked?.payload).to.deep.equal({ id: 1 });
    expect(parked?.headers['x-exception-message']).to.contain('no stock');
  });

  it('names the handler that hangs', async () => {
    const { queue, Orders, overrides } = orderSample({ isReal });
    const harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(() => new Promise(() => {})),
      timeout: 300,
    });
    await harness.publish('', queue, { id: 1 }, { messageId: 'stuck' });
    const error = await rejectionOf(harness.settled({ timeout: 200 }));
    expect(error).to.be.instanceOf(NotSettledError);
    expect((error as Error).message).to.match(
      /^Not settled within 200 ms:\n {2}- Orders\.onOrder has been running for \d+ ms \(attempt 1, message id stuck\)$/,
    );
    // Told once, that is enough: closing only ends it.
    await harness.close();
    expect(harness.listener(Orders, 'onOrder').outcomes).to.deep.equal(['abandoned']);
  });

  it('names the handler that hangs when the harness is closed, if the test never asked', async () => {
    const { queue, Orders, overrides } = orderSample({ isReal });
    let handled = () => {};
    const called = new Promise<void>((resolve) => {
      handled = resolve;
    });
    const harness = await TestHarness.start({
      broker,
      listeners: [Orders],
      overrides: overrides(() => {
        handled();
        return new Promise(() => {});
      }),
      timeout: 200,
    });
    await harness.publish('', queue, { id: 1 });
    await called;
    const error = await rejectionOf(harness.close());
    expect((error as Error).message).to.contain('Orders.onOrder has been running');
  });

  it('ends the wait for a message that goes round and round, and says what failed', async () => {
    const { queue, Orders, overrides } = orderSample({ isReal });
    await using harness = await TestHarness.start({ broker, listeners: [Orders], overrides: overrides(fails) });
    await harness.publish('', queue, { id: 1 });
    const error = await rejectionOf(harness.settled({ timeout: 200 }));
    expect(error).to.be.instanceOf(NotSettledError);
    expect((error as NotSettledError).cause).to.be.instanceOf(HandlerFailuresError);
    harness.expectFailures();
  });
});
