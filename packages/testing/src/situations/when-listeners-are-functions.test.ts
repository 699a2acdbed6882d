import { expect } from 'chai';
import { handler, listener, schedule } from 'leveret';
import { describe, it } from 'mocha';
import { HarnessError } from '../errors/harness-error.js';
import { TestHarness } from '../harness/test-harness.js';

describe('when listeners are functions, or instances', () => {
  it('watches them as it watches classes', async () => {
    let failures = 1;
    const onPaid = listener(
      { queue: 'pay', payload: Object, retry: { maxAttempts: 2, initialInterval: '1s' } },
      async (event: { id: number }): Promise<number> => {
        if (failures-- > 0) throw new Error('once');
        return event.id;
      },
    );
    await using harness = await TestHarness.start({ listeners: [onPaid], broker: 'embedded', expectFailures: true });
    await harness.publish('', 'pay', { id: 7 });
    await harness.settled({ includeRetries: true });
    const { calls, outcomes } = harness.listener(onPaid);
    expect(outcomes).to.deep.equal(['handled']);
    expect(calls.map(({ payload, attempt }) => [payload, attempt])).to.deep.equal([
      [{ id: 7 }, 1],
      [{ id: 7 }, 2],
    ]);
    expect(calls[1]?.arguments[0].id).to.equal(7);
    expect(harness.listener('pay').outcomes).to.deep.equal(['handled']);
  });

  it('watches handlers by type, and runs schedules', async () => {
    let beats = 0;
    const onOrders = listener({
      queue: 'orders',
      handlers: [handler({ type: 'placed', payload: Object }, () => {}), handler({ isDefault: true }, () => {})],
    });
    const beat = schedule({ id: 'beat', every: '20s' }, () => {
      beats++;
    });
    await using harness = await TestHarness.start({ listeners: [onOrders], schedules: [beat], broker: 'embedded' });
    await harness.publish('', 'orders', {}, { type: 'placed' });
    await harness.publish('', 'orders', {});
    await harness.settled();
    await harness.advance('45s');
    expect(harness.listener('orders').calls).to.have.length(2);
    expect(beats).to.equal(2);
    const other = listener({ queue: 'other' }, () => {});
    expect(() => harness.listener(other)).to.throw(HarnessError, /expected one of the harness's listeners/);
  });
});
