import { expect } from 'chai';
import { type Interceptor, RejectMessage } from 'leveret';
import { describe, it } from 'mocha';
import { buildContext, buildMessage, HandlerFailuresError, NotSettledError, TestHarness } from '../index.js';
import { OrderService, PayStatusListener } from '../test-support/pay-status-listener.js';

// The examples of docs/testing.md, line by line: guide-text.test.ts compares.

/** Lets nobody through who has no tenant. */
const tenantsOnly: Interceptor = {
  async intercept(context, next) {
    if (context.message.headers['x-tenant'] === undefined) throw new RejectMessage('no tenant');
    return next();
  },
};

describe('the guide to testing', () => {
  it('marks the order as paid', async () => {
    const paid: number[] = [];
    await using harness = await TestHarness.start({
      listeners: [PayStatusListener],
      overrides: [[OrderService, { markPaid: async (orderId: number) => paid.push(orderId) }]],
    });

    await harness.publish('pay.direct', 'pay.success', { orderId: 7 }, { headers: { 'x-tenant': 'north' } });
    await harness.settled();

    expect(paid).to.deep.equal([7]);
    expect(harness.listener(PayStatusListener, 'onPaySucceeded').outcomes).to.deep.equal(['handled']);
  });

  it('tries again after one second and after two, and then parks the message', async () => {
    await using harness = await TestHarness.start({
      listeners: [PayStatusListener],
      overrides: [[OrderService, { markPaid: () => Promise.reject(new Error('no such order')) }]],
      expectFailures: /no such order/,
    });
    const listener = harness.listener(PayStatusListener, 'onPaySucceeded');

    await harness.publish('pay.direct', 'pay.success', { orderId: 7 }, { headers: { 'x-tenant': 'north' } });
    await harness.settled();
    expect(listener.calls.map(({ attempt }) => attempt)).to.deep.equal([1]);

    await harness.advance('1s');
    expect(listener.calls.map(({ attempt }) => attempt)).to.deep.equal([1, 2]);

    await harness.advance('2s');
    expect(listener.outcomes).to.deep.equal(['recovered']);
    const [parked] = await harness.queue('error.queue').messages;
    expect(parked?.payload).to.deep.equal({ orderId: 7 });
    expect(parked?.headers['x-exception-message']).to.equal('no such order');
  });

  it('says which handler hangs', async () => {
    await using harness = await TestHarness.start({
      broker: 'embedded',
      listeners: [PayStatusListener],
      overrides: [[OrderService, { markPaid: () => new Promise(() => {}) }]],
      expectFailures: true,
    });
    await harness.publish('pay.direct', 'pay.success', { orderId: 7 }, { headers: { 'x-tenant': 'north' } });
    const error = await harness.settled({ timeout: '100ms' }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(NotSettledError);
    expect((error as NotSettledError).pending[0]).to.match(/^PayStatusListener.onPaySucceeded has been running for/);
    await harness.advance('2m');
    expect(harness.listener(PayStatusListener).outcomes).to.deep.equal(['recovered']);
  });

  it('tells of a failure with its cause', async () => {
    await using harness = await TestHarness.start({
      listeners: [PayStatusListener],
      overrides: [[OrderService, { markPaid: () => Promise.reject(new Error('no such order')) }]],
    });
    await harness.publish('pay.direct', 'pay.success', { orderId: 7 }, { headers: { 'x-tenant': 'north' } });
    const error = await harness.settled().catch((reason: unknown) => reason);
    expect((error as HandlerFailuresError).cause).to.have.property('message', 'no such order');
  });

  it('handles a message whose connection was cut a second time', async () => {
    let calls = 0;
    await using harness = await TestHarness.start({
      broker: 'embedded',
      listeners: [PayStatusListener],
      overrides: [
        [
          OrderService,
          {
            markPaid: async () => {
              if (++calls === 1) harness.faults.cutConnections();
            },
          },
        ],
      ],
    });
    await harness.publish('pay.direct', 'pay.success', { orderId: 7 }, { headers: { 'x-tenant': 'north' } });
    await harness.settled();
    expect(harness.listener(PayStatusListener, 'onPaySucceeded').outcomes.at(-1)).to.equal('handled');
  });

  it('marks an order as paid without any broker', async () => {
    const paid: unknown[] = [];
    const orders = { markPaid: async (...args: unknown[]) => void paid.push(args) } as OrderService;

    await new PayStatusListener(orders).onPaySucceeded({ orderId: 7 }, 'north');

    expect(paid).to.deep.equal([[7, 'north']]);
  });

  it('lets only tenants through', async () => {
    const context = buildContext({ message: buildMessage({ orderId: 7 }, { headers: { 'x-tenant': 'north' } }) });
    expect(await tenantsOnly.intercept(context, async () => 'handled')).to.equal('handled');

    const error = await Promise.resolve(tenantsOnly.intercept(buildContext(), async () => 'handled')).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(RejectMessage);
  });
});
