import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { ABroker } from '../test-support/a-broker.js';
import { HandClock } from '../test-support/hand-clock.js';
import { drain } from './drain.js';

describe('drain', () => {
  let clock: HandClock;
  let broker: ABroker;
  const worked: (string | undefined)[] = [];
  beforeEach(() => {
    clock = new HandClock();
    broker = new ABroker(clock, 3);
    worked.length = 0;
  });
  const draining = (fails: (id: string | undefined) => Error | undefined = () => undefined) =>
    drain(broker.session, 'q', async ({ message, channel, deliveryTag }) => {
      const error = fails(message.messageId);
      if (error !== undefined) throw error;
      worked.push(message.messageId);
      channel.ack(deliveryTag);
    });
  const failure = async (work: Promise<unknown>) => {
    const ended = clock.through(work.catch((error: unknown) => error));
    return (await ended) as Error & { code?: string };
  };

  it('works on every message as its only consumer, and closes behind them', async () => {
    await clock.through(draining());
    expect(worked).to.deep.equal(['m0', 'm1', 'm2']);
    expect(broker.log).to.deep.equal(['consume {"prefetch":256,"exclusive":true}', 'close']);
    expect([broker.ids, clock.ms]).to.deep.equal([[], 20]);
  });

  it('takes what comes while it works', async () => {
    const work = draining((id) => {
      if (id === 'm2') broker.put('later');
      return undefined;
    });
    await clock.through(work);
    expect(worked).to.include('later');
  });

  it('waits five seconds for what was there before, which may be gone by its time to live', async () => {
    broker.ready.length = 1;
    const counted = { messages: 4, consumers: 0 };
    const { session } = broker;
    const queue = session.broker.queue;
    let asked = 0;
    session.broker.queue = async (name) => (asked++ === 0 ? counted : queue.call(session.broker, name));
    await clock.through(
      drain(session, 'q', async ({ channel, deliveryTag }) => {
        channel.ack(deliveryTag);
      }),
    );
    expect(clock.ms).to.be.within(5_000, 5_040);
  });

  it('gives up when nothing is handed out although there is something', async () => {
    broker.isStalled = true;
    const error = await failure(draining());
    expect(error).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
    expect(error.message).to.equal('Queue "q" has 3 messages, and hands out none.');
    expect(clock.ms).to.be.within(10_001, 10_040);
    expect(broker.log.at(-1)).to.equal('close');
  });

  it('ends with the queue', async () => {
    broker.isStalled = true;
    const work = draining();
    await clock.settle();
    broker.isThere = false;
    await clock.through(work);
    expect(broker.log.at(-1)).to.equal('close');
  });

  it('throws what the first work threw, and leaves what is not settled to the broker', async () => {
    const fault = new Error('nacked');
    expect(await failure(draining((id) => (id === 'm1' ? fault : undefined)))).to.equal(fault);
    expect(broker.ids).to.include('m1');
    expect(broker.log.at(-1)).to.equal('close');
  });

  it('says that another works on the queue, and throws other faults as they are', async () => {
    const cause = new Error(`403 ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use`);
    broker.refusals = [cause];
    const error = await failure(draining());
    expect(error).to.include({ code: 'LEV_OPERATION_REFUSED', cause });
    expect(error.message).to.contain('being worked on by another operation');
    const other = new Error('connection lost');
    broker.refusals = [other];
    expect(await failure(draining())).to.equal(other);
  });

  it('says that its consumer is lost', async () => {
    broker.isStalled = true;
    const work = draining();
    await clock.settle();
    broker.sink?.ended(new Error('connection lost'));
    expect(await failure(work)).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
  });

  it('begins nothing that comes when it has ended: the broker takes that back', async () => {
    const work = draining();
    await clock.settle();
    const { sink } = broker;
    await clock.through(work);
    broker.sink = sink;
    broker.put('late');
    expect(worked).to.deep.equal(['m0', 'm1', 'm2']);
  });
});
