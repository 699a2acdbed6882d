import { deepEqual, ok } from 'node:assert/strict';
import { TestHarness } from '@leveret/testing';
import { PaidListener, ReflectedListener } from './service.js';

declare const describe: (name: string, body: () => void) => void;
declare const it: (name: string, body: () => Promise<void>) => void;

/** Whether this build leaves types; set by the one who runs the tests. */
const isReflected = process.env['EXPECT_REFLECTED'] === 'true';

describe('PaidListener', () => {
  it('handles a message, and rejects one that is no payment', async () => {
    const harness = await TestHarness.start({ listeners: [PaidListener] });
    await harness.publish('pay', 'paid', { orderId: 7 });
    await harness.settled();
    harness.expectFailures();
    await harness.publish('pay', 'paid', { orderId: 'seven' });
    await harness.settled();
    deepEqual(harness.listener(PaidListener, 'onPaid').outcomes, ['handled', 'rejected']);
    await harness.close();
  });

  it(`${isReflected ? 'has' : 'lacks'} the types of parameters`, async () => {
    const started = TestHarness.start({ listeners: [ReflectedListener] });
    if (isReflected) return (await started).close();
    const error = await started.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    ok(/no reflected type/.test(String(error)), String(error));
  });
});
