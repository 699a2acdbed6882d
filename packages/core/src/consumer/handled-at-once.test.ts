import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { Consumer } from './consumer.js';
import { aQueueDeclaration, ListenerHarness, type ListenerParts } from './listener-harness.support.test.js';
import { ScriptedTransport } from './scripted-transport.support.test.js';

type Handle = NonNullable<ListenerParts['handle']>;

const classic = { definition: { queueDeclaration: aQueueDeclaration() } };

async function consuming(handle: Handle, parts: ListenerParts = {}) {
  const harness = new ListenerHarness({ ...parts, handle });
  const transport = new ScriptedTransport();
  let rests = 0;
  const events = {
    consuming: () => {},
    interrupted: () => {},
    failed: () => {},
    overdue: () => {},
    rests: () => void rests++,
  };
  const consumer = new Consumer(harness.env, transport, events);
  await consumer.start();
  return { harness, transport, consumer, subscription: transport.last, rests: () => rests };
}

describe('a handler that answers at once', () => {
  it('has settled its delivery when that has been delivered', async () => {
    const { subscription, transport, consumer, harness } = await consuming(() => undefined);
    subscription.deliver('a', 'b');
    expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.ack 2']);
    expect([consumer.held, harness.counts.handled]).to.deep.equal([0, 2]);
  });

  it('answers a promise all the same when there is something to wait for', async () => {
    const { subscription, transport, consumer } = await consuming(() => Promise.resolve());
    subscription.deliver('a');
    expect([transport.frames, consumer.held]).to.deep.equal([[], 1]);
    await consumer.whenIdle();
    expect(transport.frames).to.deep.equal(['basic.ack 1']);
  });

  it('takes what waited behind a slow one without a call in the other, however much that is', async () => {
    let end = () => {};
    let deepest = 0;
    const { subscription, transport, consumer } = await consuming(({ payload }) => {
      if (payload !== 'slow') {
        if (payload === 'last') deepest = new Error().stack?.split('\n').length ?? 0;
        return undefined;
      }
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 1000;
    try {
      subscription.deliver('slow', ...Array.from({ length: 2000 }, () => 'quick'), 'last');
      end();
      await consumer.whenIdle();
    } finally {
      Error.stackTraceLimit = limit;
    }
    expect(transport.frames).to.have.lengthOf(2002);
    expect(deepest).to.be.within(1, 100);
  });

  it('tells once that nothing is left to do, behind whoever delivered', async () => {
    const { subscription, rests } = await consuming(() => undefined);
    subscription.deliver('a', 'b', 'c');
    expect(rests()).to.equal(0);
    await turn();
    expect(rests()).to.equal(1);
    subscription.deliver('d', 'e');
    await turn();
    expect(rests(), 'and again behind what comes later').to.equal(2);
  });

  it('may stop or shut its consumer, which then takes nothing behind it, and comes to rest', async () => {
    for (const stop of [
      (consumer: Consumer) => void consumer.cancel(),
      (consumer: Consumer) => consumer.shut('give-back'),
    ]) {
      const seen: unknown[] = [];
      const { subscription, transport, consumer } = await consuming(({ payload }) => {
        seen.push(payload);
        if (payload === 'stop') stop(consumer);
      }, classic);
      subscription.deliver('a', 'stop', 'b');
      await consumer.whenIdle();
      expect(seen).to.deep.equal(['a', 'stop']);
      expect(transport.frames.slice(0, 2)).to.deep.equal(['basic.ack 1', 'basic.ack 2']);
      expect(consumer.held).to.equal(0);
    }
  });

  it('fails as any other when it throws, and the next has its turn behind that', async () => {
    const { subscription, transport, consumer, harness } = await consuming(({ payload }) => {
      if (payload === 'bad') throw new Error('broken');
    });
    subscription.deliver('bad', 'good');
    await consumer.whenIdle();
    expect(transport.frames).to.deep.equal(['basic.reject 1 requeue', 'basic.ack 2']);
    expect(harness.counts).to.include({ failed: 1, requeued: 1, handled: 1 });
  });
});
