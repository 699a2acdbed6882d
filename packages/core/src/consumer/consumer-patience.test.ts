import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { Consumer } from './consumer.js';
import { ListenerHarness, type ListenerParts } from './listener-harness.support.test.js';
import { ScriptedTransport, SlowHandler } from './scripted-transport.support.test.js';

/** Consumers of one listener whose broker waits 10 s, and waits for 7.5 s for a turn. */
async function consuming(parts: ListenerParts = {}, count = 1, workers = 1) {
  const slow = new SlowHandler();
  const handle = slow.handle as NonNullable<ListenerParts['handle']>;
  const harness = new ListenerHarness({
    handle,
    ...parts,
    definition: { consumerTimeoutMs: 10_000, ...parts.definition },
  });
  const transport = new ScriptedTransport();
  const heard: string[] = [];
  const consumers = Array.from({ length: count }, () => {
    const consumer: Consumer = new Consumer(
      harness.env,
      transport,
      {
        consuming: () => {},
        interrupted: (cause) => heard.push(cause),
        failed: () => {},
        overdue: () => {
          heard.push('overdue');
          consumer.takeOneAtATime();
        },
      },
      workers,
    );
    return consumer;
  });
  await Promise.all(consumers.map((consumer) => consumer.start()));
  const [consumer, subscription] = [consumers[0]!, transport.subscriptions[0]!];
  return { slow, harness, transport, heard, consumer, consumers, subscription, clock: harness.clock };
}

describe('Consumer, as long as the broker waits', () => {
  it('gives back what has waited three quarters of the time for its turn, behind a cancel, and ends what it began', async () => {
    const { slow, subscription, clock, consumer, heard, harness } = await consuming();
    subscription.deliver('a', 'b', 'c');
    await clock.advance(7499);
    expect(heard).to.deep.equal([]);
    await clock.advance(1);
    expect(heard).to.deep.equal(['overdue']);
    expect(subscription.calls).to.deep.equal(['pause']);
    expect(subscription.channel.frames).to.deep.equal(['basic.nack 2 requeue', 'basic.nack 3 requeue']);
    expect(consumer.attached).to.equal(0);
    expect(slow.signals[0]?.aborted).to.equal(false);
    expect(harness.counted).to.deep.equal({ received: 1, givenBack: 2 });
  });

  it('gives back what comes before cancel-ok, and takes one at a time once it is idle', async () => {
    const { slow, subscription, clock } = await consuming();
    subscription.deliver('a', 'b');
    await clock.advance(7500);
    subscription.deliver('c');
    expect(subscription.channel.frames).to.deep.equal(['basic.nack 2 requeue', 'basic.nack 3 requeue']);
    expect(subscription.calls).to.deep.equal(['pause']);
    slow.end();
    await turn();
    expect(subscription.channel.frames.at(-1)).to.equal('basic.ack 1');
    expect(subscription.calls).to.deep.equal(['pause', 'resume 1']);
    subscription.deliver('d');
    await turn();
    expect(slow.began).to.deep.equal(['a', 'd']);
  });

  it('measures from when each came', async () => {
    const { slow, subscription, clock, heard } = await consuming();
    subscription.deliver('a', 'b');
    await clock.advance(5000);
    subscription.deliver('c');
    slow.end();
    await clock.advance(5000);
    expect([slow.began, heard]).to.deep.equal([['a', 'b'], []]);
    await clock.advance(2500);
    expect(heard).to.deep.equal(['overdue']);
    expect(subscription.channel.frames).to.deep.equal(['basic.ack 1', 'basic.nack 3 requeue']);
  });

  it('leaves a broker alone that waits for ever, and one that has forgotten what it sent', async () => {
    for (const parts of [
      { definition: { consumerTimeoutMs: Number.POSITIVE_INFINITY } },
      { policy: { acknowledge: 'none' } } as const,
    ]) {
      const { subscription, clock, heard } = await consuming(parts);
      subscription.deliver('a', 'b');
      await clock.advance(86_400_000);
      expect([heard, subscription.calls]).to.deep.equal([[], []]);
    }
  });

  it('gives back what a pause has put off, before the broker takes it', async () => {
    const { subscription, clock, consumer, harness } = await consuming({
      retry: {},
      handle: () => {
        throw new Error('broken');
      },
    });
    subscription.deliver('a');
    await turn();
    Object.assign(harness.env, { flow: { ...harness.env.flow, inHand: 'keep' } });
    consumer.shut('keep');
    await turn();
    expect([harness.counts.putOff, subscription.channel.frames]).to.deep.equal([1, []]);
    await clock.advance(7500);
    expect(subscription.channel.frames).to.deep.equal(['basic.nack 1 requeue']);
    expect(harness.event('given-back').reason).to.equal('waited-too-long');
  });

  it('leaves nothing to be woken for when it is closed', async () => {
    const { subscription, clock, consumer } = await consuming();
    subscription.deliver('a', 'b');
    await turn();
    await consumer.close();
    expect(clock.waits.filter((ms) => ms !== 5000)).to.deep.equal([]);
  });

  describe('when the broker takes back what was not settled', () => {
    it('with the consumer: gives back the rest while the channel lasts, and fires the signal of the handler', async () => {
      const { slow, subscription, clock, harness } = await consuming();
      subscription.deliver('a');
      await clock.advance(1000);
      subscription.deliver('b');
      await clock.advance(3000);
      const { channel } = subscription;
      subscription.sink.interrupted('delivery-timeout', undefined);
      expect(channel.frames).to.deep.equal(['basic.nack 2 requeue']);
      expect(slow.signals[0]?.aborted).to.equal(true);
      channel.close();
      slow.end();
      await turn();
      expect(channel.frames).to.deep.equal(['basic.nack 2 requeue']);
      expect(harness.counted).to.deep.equal({ received: 1, takenBack: 2, channelGone: 1 });
      expect(harness.env.patience.timeoutMs).to.equal(4000);
    });

    it('learns from the first of those at work, or of those that wait when none is', async () => {
      const { subscription, clock, harness } = await consuming({}, 1, 2);
      subscription.deliver('a');
      await clock.advance(1000);
      subscription.deliver('b');
      await clock.advance(3000);
      subscription.sink.interrupted('delivery-timeout', undefined);
      expect(harness.env.patience.timeoutMs).to.equal(4000);

      const kept = await consuming();
      kept.consumer.shut('keep');
      kept.subscription.deliver('a');
      await kept.clock.advance(1500);
      kept.subscription.deliver('b');
      await kept.clock.advance(1500);
      kept.subscription.sink.interrupted('delivery-timeout', undefined);
      expect(kept.harness.env.patience.timeoutMs).to.equal(3000);
    });

    it('with the channel: learns how long it waits', async () => {
      const { subscription, clock, harness } = await consuming();
      subscription.deliver('a', 'b');
      await clock.advance(4000);
      subscription.channel.close();
      subscription.sink.interrupted('delivery-timeout', new Error('406'), 2000);
      expect(harness.env.patience.timeoutMs).to.equal(2000);
      expect(harness.counted).to.deep.equal({ received: 1, takenBack: 2 });
    });
  });

  describe('when a handler runs on although its message comes again', () => {
    const message = { text: 'a', messageId: 'm-1' };
    const again = { ...message, redelivered: true };

    it('is not called beside itself by another consumer of the listener', async () => {
      const { slow, transport } = await consuming({}, 2);
      const [first, second] = [transport.subscriptions[0]!, transport.subscriptions[1]!];
      first.deliverMessage(message);
      await turn();
      first.reconnect('delivery-timeout');
      second.deliverMessage(again);
      await turn();
      expect(slow.began).to.deep.equal(['a']);
      slow.end();
      await turn();
      expect(slow.began).to.deep.equal(['a', 'a']);
      slow.end();
      await turn();
      expect(second.channel.frames).to.deep.equal(['basic.ack 1']);
    });

    it('keeps no consumer busy whose own channel is gone, with what waited there', async () => {
      const { consumers, transport } = await consuming({}, 2);
      const [first, second] = [transport.subscriptions[0]!, transport.subscriptions[1]!];
      first.deliverMessage(message);
      await turn();
      first.reconnect();
      second.deliverMessage(again);
      await turn();
      let idle = false;
      const waiting = consumers[1]?.whenIdle().then(() => {
        idle = true;
      });
      await turn();
      expect(idle).to.equal(false);
      second.reconnect();
      await waiting;
      expect([idle, consumers[1]?.held]).to.deep.equal([true, 0]);
    });

    it('holds no other message up', async () => {
      const { slow, transport } = await consuming({}, 2);
      const [first, second] = [transport.subscriptions[0]!, transport.subscriptions[1]!];
      first.deliverMessage({ text: 'a' });
      await turn();
      first.reconnect();
      second.deliverMessage({ text: 'b', redelivered: true });
      await turn();
      expect(slow.began).to.deep.equal(['a', 'b']);
    });

    it('is not called beside itself when its result has come before its end, at its time limit', async () => {
      const { slow, subscription, clock } = await consuming({ definition: { timeoutMs: 5000 } });
      subscription.deliverMessage(message);
      await turn();
      subscription.reconnect('delivery-timeout');
      subscription.deliverMessage(again);
      await clock.advance(5000);
      expect(slow.began).to.deep.equal(['a']);
      slow.end();
      await turn();
      expect(slow.began).to.deep.equal(['a', 'a']);
    });

    it('is known by its body when it has no id', async () => {
      const { slow, transport } = await consuming({}, 2);
      const [first, second] = [transport.subscriptions[0]!, transport.subscriptions[1]!];
      first.deliverMessage({ text: 'a' });
      await turn();
      first.reconnect();
      second.deliverMessage({ text: 'a', redelivered: true });
      await turn();
      expect(slow.began).to.deep.equal(['a']);
    });

    it('gives the redelivery back when that has waited too long, or the listener stops', async () => {
      for (const how of ['overdue', 'stopping'] as const) {
        const { transport, clock, harness } = await consuming({}, 2);
        const [first, second] = [transport.subscriptions[0]!, transport.subscriptions[1]!];
        first.deliverMessage(message);
        await turn();
        first.reconnect();
        second.deliverMessage(again);
        if (how === 'overdue') await clock.advance(7500);
        else {
          const consumer = new Consumer(harness.env, transport, {
            consuming() {},
            interrupted() {},
            failed() {},
            overdue() {},
          });
          await consumer.start();
          transport.last.deliverMessage(again);
          await turn();
          await consumer.cancel();
          await consumer.whenIdle();
          expect(transport.last.channel.frames).to.deep.equal(['basic.nack 1 requeue']);
          continue;
        }
        expect(second.channel.frames).to.deep.equal(['basic.nack 1 requeue']);
        expect(second.calls).to.deep.equal(['pause', 'resume 1']);
      }
    });
  });
});
