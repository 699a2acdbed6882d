import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { Consumer } from './consumer.js';
import { aQueueDeclaration, ListenerHarness, type ListenerParts } from './listener-harness.support.test.js';
import { ScriptedTransport, SlowHandler } from './scripted-transport.support.test.js';

/** A consumer that has begun, its broker played by the test. */
async function consuming(parts: ListenerParts = {}) {
  const slow = new SlowHandler();
  const harness = new ListenerHarness({ handle: slow.handle as NonNullable<ListenerParts['handle']>, ...parts });
  const transport = new ScriptedTransport();
  const heard: string[] = [];
  const consumer = new Consumer(harness.env, transport, {
    consuming: (tag) => heard.push(`consuming ${tag}`),
    interrupted: (cause) => heard.push(`interrupted ${cause}`),
    failed: (error) => heard.push(`failed ${error.message}`),
    overdue: () => {
      heard.push('overdue');
      consumer.takeOneAtATime();
    },
  });
  await consumer.start();
  return { slow, harness, transport, heard, consumer, subscription: transport.last };
}

const classic = { definition: { queueDeclaration: aQueueDeclaration() } };
const none = { policy: { acknowledge: 'none' } } as const;

describe('Consumer', () => {
  it('asks the broker for what the listener says', async () => {
    const definition = { prefetch: 7, exclusive: true, priority: 3, consumerArguments: { 'x-a': 1 } };
    const { subscription, heard, consumer } = await consuming({ definition: { ...definition, missingQueue: 'wait' } });
    expect(subscription.request).to.deep.equal({
      queue: 'orders',
      prefetch: 7,
      messagesPerAck: 100,
      noAck: false,
      exclusive: true,
      priority: 3,
      arguments: { 'x-a': 1 },
      tagPrefix: 'Orders.onPaid',
      missingQueue: 'wait',
      handsOverAtClose: false,
    });
    expect(heard).to.deep.equal(['consuming Orders.onPaid-tag']);
    expect(consumer.attached).to.equal(1);
    expect((await consuming(none)).subscription.request.noAck).to.equal(true);
  });

  it('handles one delivery at a time, in the order they came', async () => {
    const { slow, subscription, consumer, transport } = await consuming();
    subscription.deliver('a', 'b', 'c');
    await turn();
    expect([slow.began, consumer.held]).to.deep.equal([['a'], 3]);
    slow.end();
    await turn();
    expect([slow.began, consumer.held]).to.deep.equal([['a', 'b'], 2]);
    slow.end();
    await turn();
    slow.end();
    await turn();
    expect(consumer.held).to.equal(0);
    expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.ack 2', 'basic.ack 3']);
    subscription.deliver('d');
    await turn();
    expect(slow.began).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('holds thousands of deliveries, and handles each once and in order', async () => {
    const seen: unknown[] = [];
    const { subscription, consumer, transport } = await consuming({ handle: ({ payload }) => void seen.push(payload) });
    const texts = Array.from({ length: 5000 }, (_, i) => String(i));
    subscription.deliver(...texts);
    await consumer.whenIdle();
    expect(seen).to.deep.equal(texts);
    expect(transport.frames).to.have.lengthOf(5000);
    expect(consumer.held).to.equal(0);
  });

  it('goes on with the next delivery after one that failed [spring 16]', async () => {
    const { subscription, consumer, transport } = await consuming({
      handle: ({ payload }) => {
        if (payload === 'bad') throw new Error('broken');
      },
    });
    subscription.deliver('good', 'bad', 'good');
    await consumer.whenIdle();
    expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.reject 2 requeue', 'basic.ack 3']);
  });

  describe('when its channel goes', () => {
    it('fires the signal of the running handler, and settles nothing of what came on it [spring 66]', async () => {
      const { slow, subscription, harness, heard, consumer, transport } = await consuming();
      const gone = subscription.channel;
      subscription.deliver('a', 'b');
      await turn();
      subscription.reconnect();
      expect(heard.at(-1)).to.equal('interrupted connection-lost');
      expect(consumer.attached).to.equal(0);
      expect(slow.signals[0]?.aborted).to.equal(true);
      expect(consumer.held).to.equal(1);
      slow.end();
      await turn();
      expect(slow.began).to.deep.equal(['a']);
      expect(gone.frames).to.deep.equal([]);
      expect(harness.counted).to.deep.equal({ received: 1, channelGone: 1 });
      subscription.consumeOk();
      expect(consumer.attached).to.equal(1);
      subscription.deliver('a', 'b');
      await turn();
      slow.end();
      await turn();
      slow.end();
      await turn();
      expect(slow.began).to.deep.equal(['a', 'a', 'b']);
      expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.ack 2']);
    });

    it('keeps no deliveries of channels that are gone, however often it reconnects', async () => {
      const { subscription, consumer } = await consuming();
      subscription.deliver('long');
      await turn();
      for (let i = 0; i < 20; i++) {
        subscription.deliver('a', 'b', 'c');
        subscription.reconnect();
      }
      expect(consumer.held).to.equal(1);
    });

    it('skips what was delivered on a channel that closed without a word', async () => {
      const { slow, subscription, harness } = await consuming();
      subscription.deliver('a', 'b');
      await turn();
      subscription.channel.close();
      slow.end();
      await turn();
      expect(slow.began).to.deep.equal(['a']);
      expect(harness.counted).to.deep.equal({ received: 1, channelGone: 1 });
    });

    it('lets what a cancelled consumer delivered be handled and settled: its channel is still there', async () => {
      const { slow, subscription, heard, transport } = await consuming();
      subscription.deliver('a', 'b');
      await turn();
      subscription.sink.interrupted('cancelled', undefined);
      expect(heard.at(-1)).to.equal('interrupted cancelled');
      expect(slow.signals[0]?.aborted).to.equal(false);
      slow.end();
      await turn();
      slow.end();
      await turn();
      expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.ack 2']);
    });

    it('goes on in none mode: the broker will not deliver it again', async () => {
      const { slow, subscription, harness } = await consuming(none);
      subscription.deliver('a', 'b');
      await turn();
      subscription.reconnect();
      expect(slow.signals[0]?.aborted).to.equal(false);
      slow.end();
      await turn();
      slow.end();
      await turn();
      expect(slow.began).to.deep.equal(['a', 'b']);
      expect(harness.counted).to.deep.equal({ received: 2, handled: 2 });
    });
  });

  it('tells when it cannot come back', async () => {
    const { subscription, heard, consumer } = await consuming();
    subscription.sink.failed(new Error('access refused'));
    expect(heard.at(-1)).to.equal('failed access refused');
    expect(consumer.attached).to.equal(0);
  });

  it('takes one at a time at once where nothing is at work', async () => {
    const { consumer, subscription } = await consuming(classic);
    consumer.takeOneAtATime();
    await turn();
    expect(subscription.calls).to.deep.equal(['pause', 'resume 1']);
  });

  it('begins shut where it is told to, and consumes when it is opened', async () => {
    const slow = new SlowHandler();
    const harness = new ListenerHarness({ handle: slow.handle as NonNullable<ListenerParts['handle']>, ...classic });
    const transport = new ScriptedTransport();
    const events = { consuming() {}, interrupted() {}, failed() {}, overdue() {} };
    const consumer = new Consumer(harness.env, transport, events);
    await consumer.start('give-back');
    expect([consumer.isShut, consumer.attached, transport.subscriptions.length]).to.deep.equal([true, 0, 0]);
    consumer.open();
    await turn();
    expect([consumer.isShut, consumer.attached, transport.subscriptions.length]).to.deep.equal([false, 1, 1]);
    transport.last.deliver('a');
    await turn();
    expect(slow.began).to.deep.equal(['a']);
  });

  it('is probing from when it may take one, until that one has had its turn', async () => {
    const { slow, subscription, consumer } = await consuming();
    consumer.shut('give-back');
    expect(consumer.isProbing).to.equal(false);
    consumer.takeOne('give-back', true);
    expect(consumer.isProbing).to.equal(true);
    subscription.deliver('a');
    await turn();
    expect([slow.began, consumer.isProbing]).to.deep.equal([['a'], true]);
    slow.end();
    await turn();
    expect(consumer.isProbing).to.equal(false);
  });

  it('is attached while the broker may deliver to it: not when it recedes, probes, or is closed', async () => {
    const closed = await consuming();
    await closed.consumer.close();
    expect(closed.consumer.attached).to.equal(0);

    const receding = await consuming();
    receding.consumer.recede(false);
    expect(receding.consumer.attached).to.equal(0);

    const { consumer, subscription } = await consuming();
    consumer.shut('give-back');
    consumer.takeOne('give-back', true);
    subscription.consumeOk();
    expect(consumer.attached).to.equal(1);
    subscription.deliver('a');
    expect(consumer.attached, 'it has the one').to.equal(0);
  });

  describe('when it is cancelled', () => {
    it('gives back what was prefetched from a classic queue at once, and lets the handler end [spring 69]', async () => {
      const { slow, subscription, consumer, harness, transport } = await consuming(classic);
      subscription.deliver('a', 'b', 'c');
      await turn();
      await consumer.cancel();
      expect(transport.frames).to.deep.equal(['basic.nack 2 requeue', 'basic.nack 3 requeue']);
      expect(slow.signals[0]?.aborted).to.equal(false);
      subscription.deliver('came before cancel-ok');
      expect(transport.frames.at(-1)).to.equal('basic.nack 4 requeue');
      expect(harness.counts.givenBack).to.equal(3);
      let idle = false;
      void consumer.whenIdle().then(() => {
        idle = true;
      });
      await turn();
      expect(idle).to.equal(false);
      slow.end();
      await turn();
      expect(idle).to.equal(true);
      expect(slow.began).to.deep.equal(['a']);
      expect(transport.frames.at(-1)).to.equal('basic.ack 1');
    });

    it('gives back what a pause has kept: nobody wants to see it handled now', async () => {
      const definition = { queueDeclaration: aQueueDeclaration({ type: 'quorum' }) };
      const { consumer, subscription, slow, harness } = await consuming({ definition });
      consumer.shut('keep');
      subscription.deliver('a', 'b');
      await consumer.cancel();
      subscription.deliver('c');
      await turn();
      expect(slow.began).to.deep.equal([]);
      expect(subscription.channel.frames).to.deep.equal([
        ...['basic.nack 1 requeue', 'basic.nack 2 requeue', 'basic.nack 3 requeue'],
      ]);
      expect(harness.counts.givenBack).to.equal(3);
    });

    it('handles what was prefetched from a quorum queue that counts what is given back', async () => {
      const definition = { queueDeclaration: aQueueDeclaration({ type: 'quorum' }) };
      const { slow, subscription, consumer, transport } = await consuming({ definition });
      subscription.deliver('a', 'b');
      await turn();
      await consumer.cancel();
      subscription.deliver('c');
      for (let i = 0; i < 3; i++) {
        slow.end();
        await turn();
      }
      expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.ack 2', 'basic.ack 3']);
    });

    it('gives a delivery back that waits for its next attempt', async () => {
      const fails = () => {
        throw new Error('broken');
      };
      for (const parts of [classic, {}]) {
        const { subscription, consumer, transport, harness } = await consuming({ ...parts, retry: {}, handle: fails });
        subscription.deliver('a');
        await turn();
        expect(transport.frames).to.deep.equal([]);
        await consumer.cancel();
        await consumer.whenIdle();
        expect(transport.frames).to.deep.equal(['basic.nack 1 requeue']);
        expect(harness.clock.waits).to.deep.equal([]);
      }
    });

    it('does not wait for retries of what it still handles while stopping', async () => {
      const handle = () => {
        throw new Error('broken');
      };
      const { subscription, consumer, transport } = await consuming({ retry: {}, handle });
      await consumer.cancel();
      subscription.deliver('a', 'b');
      await consumer.whenIdle();
      expect(transport.frames).to.deep.equal(['basic.nack 1 requeue', 'basic.nack 2 requeue']);
    });

    it('is attached until the broker has cancelled it', async () => {
      const { consumer, subscription } = await consuming();
      let answer: () => void = () => {};
      subscription.cancel = () =>
        new Promise((resolve) => {
          answer = resolve;
        });
      let cancelled = false;
      void consumer.cancel().then(() => {
        cancelled = true;
      });
      await turn();
      expect([consumer.attached, cancelled]).to.deep.equal([1, false]);
      answer();
      await turn();
      expect([consumer.attached, cancelled]).to.deep.equal([0, true]);
    });

    it('can be cancelled and closed before it was started', async () => {
      const harness = new ListenerHarness();
      const silent = { consuming: () => {}, interrupted: () => {}, failed: () => {}, overdue: () => {} };
      const consumer = new Consumer(harness.env, new ScriptedTransport(), silent);
      await consumer.cancel();
      expect(await consumer.close()).to.equal(0);
    });
  });

  describe('when there is no more time', () => {
    it('fires the signal of the handler and gives back what waits [spring 70]', async () => {
      const { slow, subscription, consumer, transport } = await consuming();
      subscription.deliver('a', 'b');
      await turn();
      await consumer.cancel();
      consumer.hurry();
      expect(slow.signals[0]?.aborted).to.equal(true);
      expect(transport.frames).to.deep.equal(['basic.nack 2 requeue']);
      slow.end();
      await turn();
      expect(transport.frames).to.deep.equal(['basic.nack 2 requeue', 'basic.ack 1']);
    });

    it('sends nothing in none mode, and says what is gone', async () => {
      const { slow, subscription, consumer, harness, transport } = await consuming(none);
      subscription.deliver('a', 'b');
      await turn();
      await consumer.cancel();
      consumer.hurry();
      subscription.deliver('c');
      slow.end();
      await turn();
      expect(transport.frames).to.deep.equal([]);
      expect(harness.counted).to.deep.equal({ received: 1, handled: 1, dropped: 2 });
    });

    it('reports a handler that is still at work when the channel is closed, and sends nothing later', async () => {
      const { slow, subscription, consumer, harness, transport } = await consuming();
      subscription.deliver('a');
      await turn();
      expect(await consumer.close()).to.equal(1);
      expect(subscription.calls).to.deep.equal(['close']);
      expect(harness.counted).to.deep.equal({ received: 1, abandoned: 1 });
      slow.end();
      await turn();
      expect(transport.frames).to.deep.equal([]);
      expect(harness.counted).to.deep.equal({ received: 1, abandoned: 1, channelGone: 1 });
    });

    it('does not wait for ever for a channel to close', async () => {
      const { subscription, consumer, harness } = await consuming();
      subscription.hangs = 'close';
      let closed: number | undefined;
      void consumer.close().then((abandoned) => {
        closed = abandoned;
      });
      await harness.clock.advance(4999);
      expect(closed).to.equal(undefined);
      await harness.clock.advance(1);
      expect(closed).to.equal(0);
    });
  });
});
