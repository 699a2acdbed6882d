import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { ABroker } from '../test-support/a-broker.js';
import { HandClock } from '../test-support/hand-clock.js';
import { type DrainLimits, drainUntil } from './drain-until.js';

describe('drainUntil', () => {
  let clock: HandClock;
  let broker: ABroker;
  const worked: (string | undefined)[] = [];
  beforeEach(() => {
    clock = new HandClock();
    broker = new ABroker(clock, 3);
    worked.length = 0;
  });
  const draining = (limits: DrainLimits, work: (id: string | undefined) => Promise<void> = async () => {}) =>
    drainUntil(broker.session, 'q', limits, async ({ message, channel, deliveryTag }) => {
      await work(message.messageId);
      worked.push(message.messageId);
      channel.ack(deliveryTag);
    });
  const failure = async (work: Promise<unknown>) =>
    (await clock.through(work.catch((error: unknown) => error))) as Error & { code?: string };

  it('takes messages beside others, until no more are ready, and says how many', async () => {
    expect(await clock.through(draining({ ready: 0 }))).to.equal(3);
    expect(worked).to.deep.equal(['m0', 'm1', 'm2']);
    expect(broker.log).to.deep.equal(['consume {"prefetch":256}', 'cancel', 'close']);
  });

  it('ends as soon as few enough are ready', async () => {
    broker.isStalled = true;
    expect(await clock.through(draining({ ready: 3 }))).to.equal(0);
    expect(clock.ms).to.equal(0);
  });

  it('asks before it ends, and goes on when it may not', async () => {
    let asked = 0;
    const mayEnd = async () => ++asked === 3;
    await clock.through(draining({ ready: 0, mayEnd }));
    expect([asked, clock.ms]).to.deep.equal([3, 60]);
  });

  it('ends when the queue has not become shorter for so long, and no sooner', async () => {
    const { session } = broker;
    let left = 100;
    session.broker.queue = async () => ({ messages: clock.ms < 200 ? left-- : left, consumers: 0 });
    await clock.through(drainUntil(session, 'q', { ready: 0, notShorterForMs: 300 }, async () => {}));
    expect(clock.ms).to.be.within(480, 520);
  });

  it('ends when it is told to', async () => {
    broker.isStalled = true;
    const stopping = new AbortController();
    const work = draining({ ready: 0, signal: stopping.signal });
    await clock.advance(100);
    stopping.abort();
    expect(await clock.through(work)).to.equal(0);
    expect(broker.log.slice(1)).to.deep.equal(['cancel', 'close']);
  });

  it('waits for what it has in hand', async () => {
    let end = () => {};
    const work = draining(
      { ready: 0 },
      () =>
        new Promise((resolve) => {
          end = resolve;
        }),
    );
    broker.ready.length = 1;
    await clock.advance(500);
    expect(broker.log.at(-1)).to.equal('cancel');
    end();
    expect(await clock.through(work)).to.equal(1);
    expect(broker.log.at(-1)).to.equal('close');
  });

  it('gives up when nothing is handed out, and nothing is at work, for ten seconds', async () => {
    broker.isStalled = true;
    const error = await failure(draining({ ready: 0 }));
    expect(error).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
    expect(error.message).to.contain('Queue "q" has 3 messages, and hands out none');
    expect(clock.ms).to.be.within(10_001, 10_040);
    expect(broker.log.at(-1)).to.equal('close');
  });

  it('throws what the first work threw, also of what it had in hand at the end', async () => {
    const fault = new Error('nacked');
    expect(await failure(draining({ ready: 0 }, () => Promise.reject(fault)))).to.equal(fault);
    broker = new ABroker(clock, 1);
    let fail = (_error: Error) => {};
    const work = draining(
      { ready: 0 },
      () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
    );
    await clock.advance(100);
    fail(fault);
    expect(await failure(work)).to.equal(fault);
  });

  it('says that its consumer is lost', async () => {
    broker.isStalled = true;
    const work = draining({ ready: 0 });
    await clock.settle();
    broker.sink?.ended(undefined);
    expect(await failure(work)).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
  });

  it('says that its consumer was lost while it waited for what it had in hand', async () => {
    let end = () => {};
    const work = draining({ ready: 0 }, () => new Promise((resolve) => (end = resolve)));
    await clock.settle();
    const { sink } = broker;
    await clock.advance(100);
    sink?.ended(new Error('connection lost'));
    end();
    expect(await failure(work)).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
  });
});
