import { expect } from 'chai';
import { RequeueMessage, Scheduled } from 'leveret';
import { describe, it } from 'mocha';
import { HarnessError, NotSettledError, TestHarness } from '../index.js';
import { onEachBroker } from '../test-support/brokers.js';
import { orderSample } from '../test-support/orders.js';
import { rejectionOf } from '../test-support/rejection-of.js';

const fails = async (): Promise<string> => {
  throw new Error('no stock');
};

// Long enough that a slow machine looks at what has not come due yet before it has.
const INTERVAL = 1500;

onEachBroker('when time passes', ({ broker, isReal }) => {
  it('tries again after the interval', async () => {
    const sample = orderSample({ isReal, retry: { maxAttempts: 3, initialInterval: INTERVAL, multiplier: 2 } });
    await using harness = await TestHarness.start({
      broker,
      listeners: [sample.Orders],
      topology: sample.topology,
      overrides: sample.overrides(fails),
      expectFailures: true,
    });
    const listener = harness.listener(sample.Orders, 'onOrder');
    await harness.publish('', sample.queue, { id: 1 });
    await harness.settled();
    expect(listener.calls.map(({ attempt }) => attempt)).to.deep.equal([1]);
    expect(listener.outcomes).to.deep.equal([]);
    await harness.advance(INTERVAL + 100);
    expect(listener.calls.map(({ attempt }) => attempt)).to.deep.equal([1, 2]);
    await harness.advance(2 * INTERVAL);
    expect(listener.calls.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3]);
    expect(listener.outcomes).to.deep.equal(['recovered']);
    expect(await harness.queue(sample.errorQueue).messages).to.have.lengthOf(1);
  });

  it('dead-letters what has waited too long', async () => {
    const { errorQueue, topology } = orderSample({ isReal });
    const waiting = `${errorQueue}.waiting`;
    await using harness = await TestHarness.start({
      broker,
      topology: {
        queues: [
          ...topology.queues,
          {
            name: waiting,
            ...(isReal && { expires: '30s' }),
            messageTtl: INTERVAL,
            deadLetterExchange: '',
            deadLetterRoutingKey: errorQueue,
          },
        ],
      },
    });
    await harness.publish('', waiting, { id: 1 });
    expect(await harness.queue(errorQueue).messages).to.deep.equal([]);
    await harness.advance(INTERVAL + 500);
    const [late] = await harness.queue(errorQueue).messages;
    const deaths = late?.headers['x-death'] as readonly { readonly reason: string; readonly queue: string }[];
    expect(deaths.map(({ reason, queue }) => ({ reason, queue }))).to.deep.equal([
      { reason: 'expired', queue: waiting },
    ]);
  });
});

describe('when hours pass on the embedded broker', () => {
  const broker = 'embedded';

  it('lets back-offs, deaths and timeouts come due in their order, each seen through before the next', async () => {
    const sample = orderSample({ retry: { maxAttempts: 4, initialInterval: '3m', multiplier: 2, maxInterval: '1h' } });
    const at: number[] = [];
    await using harness = await TestHarness.start({
      broker,
      listeners: [sample.Orders],
      topology: sample.topology,
      overrides: sample.overrides(async () => {
        at.push(harness.clock.now());
        // Handlers may really wait: time stands still for them.
        await new Promise((resolve) => setTimeout(resolve, 10));
        throw new Error('no stock');
      }),
      expectFailures: true,
    });
    await harness.publish('', sample.queue, { id: 1 });
    await harness.settled();
    const began = performance.now();
    await harness.advance('2h');
    expect(performance.now() - began).to.be.below(60_000);
    expect(at.slice(1).map((time, index) => time - (at[index] as number))).to.deep.equal([180_000, 360_000, 720_000]);
    expect(harness.listener(sample.Orders, 'onOrder').outcomes).to.deep.equal(['recovered']);
  });

  it('goes on to the end of all retries when told to', async () => {
    const sample = orderSample({ retry: { maxAttempts: 5, initialInterval: '5m', maxInterval: '1h' } });
    await using harness = await TestHarness.start({
      broker,
      listeners: [sample.Orders],
      topology: sample.topology,
      overrides: sample.overrides(fails),
      expectFailures: true,
    });
    await harness.publish('', sample.queue, { id: 1 });
    const before = harness.clock.now();
    await harness.settled({ includeRetries: true });
    expect(harness.clock.now() - before).to.equal(4 * 300_000);
    expect(harness.listener(sample.Orders, 'onOrder').outcomes).to.deep.equal(['recovered']);
  });

  it('takes a message whose stateful retry waits for settled, and passes that wait as well', async () => {
    const sample = orderSample({ retry: { maxAttempts: 3, initialInterval: '1m', stateless: false } });
    await using harness = await TestHarness.start({
      broker,
      listeners: [sample.Orders],
      topology: sample.topology,
      overrides: sample.overrides(fails),
      expectFailures: true,
    });
    await harness.publish('', sample.queue, { id: 1 });
    await harness.settled();
    const listener = harness.listener(sample.Orders, 'onOrder');
    expect(listener.outcomes).to.deep.equal(['requeued']);
    await harness.advance('1m');
    expect(listener.outcomes).to.deep.equal(['requeued', 'requeued']);
    await harness.settled({ includeRetries: true });
    expect(listener.outcomes).to.deep.equal(['requeued', 'requeued', 'recovered']);
  });

  it('settles with messages that wait behind one that is retried', async () => {
    const sample = orderSample({ prefetch: 2, retry: { maxAttempts: 2, initialInterval: '10s' } });
    await using harness = await TestHarness.start({
      broker,
      listeners: [sample.Orders],
      topology: sample.topology,
      overrides: sample.overrides(async (id) => {
        if (id === 0) throw new Error('no stock');
        return '';
      }),
      expectFailures: true,
    });
    for (const id of [0, 1, 2, 3]) await harness.publish('', sample.queue, { id });
    await harness.settled();
    const listener = harness.listener(sample.Orders, 'onOrder');
    expect(listener.calls).to.have.lengthOf(1);
    await harness.advance('10s');
    expect(listener.outcomes).to.deep.equal(['recovered', 'handled', 'handled', 'handled']);
  });

  it('ends a handler that hangs at its timeout, and asks no more of it', async () => {
    const sample = orderSample({ timeout: '30s', defaultRequeueRejected: false });
    await using harness = await TestHarness.start({
      broker,
      listeners: [sample.Orders],
      overrides: sample.overrides(() => new Promise(() => {})),
      expectFailures: /timeout of 30000 ms/,
    });
    await harness.publish('', sample.queue, { id: 1 });
    await harness.advance('30s');
    expect(harness.listener(sample.Orders, 'onOrder').outcomes).to.deep.equal(['dropped']);
    await harness.settled();
  });

  it('does not wait again and again for a handler that hangs while much comes due', async () => {
    const sample = orderSample();
    await using harness = await TestHarness.start({
      broker,
      listeners: [sample.Orders],
      topology: sample.topology,
      overrides: sample.overrides(() => new Promise(() => {})),
      // Fifty times that would be 25 s.
      timeout: 500,
    });
    await harness.publish('', sample.queue, { id: 1 });
    for (let id = 1; id <= 50; id++) {
      await harness.publish('', sample.errorQueue, { id }, { expiration: (51 - id) * 1000 });
    }
    const began = performance.now();
    await harness.advance('1m');
    expect(performance.now() - began).to.be.below(12_000);
    expect(await harness.queue(sample.errorQueue).messages).to.deep.equal([]);
    expect(await rejectionOf(harness.settled({ timeout: 50 }))).to.be.instanceOf(NotSettledError);
  });

  it('runs schedules at their beats, and tells of those that fail', async () => {
    const runs: number[] = [];
    class Reconciling {
      @Scheduled({ every: '20s' })
      async reconcile(): Promise<void> {
        runs.push(harness.clock.now());
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (runs.length === 4) throw new Error('the pay service is down');
      }
    }
    await using harness = await TestHarness.start({ broker, schedules: [Reconciling] });
    const startedAt = harness.clock.now();
    await harness.advance('1m');
    expect(runs.map((at) => at - startedAt)).to.deep.equal([20_000, 40_000, 60_000]);
    const error = (await rejectionOf(harness.advance('20s'))) as Error;
    expect(error.message).to.contain('schedule Reconciling.reconcile: the pay service is down');
  });

  it('waits for a schedule that runs at the start, and names it when it hangs', async () => {
    class Hanging {
      @Scheduled({ every: '20s' }, { immediate: true })
      reconcile(): Promise<void> {
        return new Promise(() => {});
      }
    }
    await using harness = await TestHarness.start({ broker, schedules: [Hanging], timeout: 100 });
    const error = (await rejectionOf(harness.settled())) as NotSettledError;
    expect(error.pending).to.deep.equal(['schedule Hanging.reconcile is running']);
  });

  it('tells the test of failures that time brought', async () => {
    const sample = orderSample({ retry: { maxAttempts: 3, initialInterval: '1m' } });
    let calls = 0;
    await using harness = await TestHarness.start({
      broker,
      listeners: [sample.Orders],
      overrides: sample.overrides(async () => {
        throw new Error(++calls === 1 ? 'expected' : 'a surprise');
      }),
      expectFailures: /expected/,
    });
    await harness.publish('', sample.queue, { id: 1 });
    await harness.settled();
    expect((await rejectionOf(harness.advance('1m'))) as Error)
      .to.have.property('message')
      .that.contains('a surprise');
  });

  it('refuses what is no duration', async () => {
    await using harness = await TestHarness.start({ broker });
    expect(await rejectionOf(harness.advance('soon' as '1s'))).to.have.property('code', 'LEV_CONFIGURATION');
  });

  it('reports a requeue that a handler asks for each time', async () => {
    const sample = orderSample();
    let calls = 0;
    await using harness = await TestHarness.start({
      broker,
      listeners: [sample.Orders],
      overrides: sample.overrides(async () => {
        if (++calls < 3) throw new RequeueMessage('not yet');
        return '';
      }),
    });
    await harness.publish('', sample.queue, { id: 1 });
    await harness.settled();
    expect(harness.listener(sample.Orders, 'onOrder').outcomes).to.deep.equal(['requeued', 'requeued', 'handled']);
  });
});

describe('when time would have to pass for long on a real broker', () => {
  it('refuses to wait', async () => {
    await using broker = await TestHarness.start({ broker: 'embedded' });
    await using harness = await TestHarness.start({ broker: broker.url as `amqp://${string}` });
    const error = await rejectionOf(harness.advance('10m'));
    expect(error).to.be.instanceOf(HarnessError);
    expect((error as Error).message).to.contain('at most 5000 ms, received 600000 ms');
  });
});
