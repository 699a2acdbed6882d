import { EventEmitter } from 'node:events';
import { type ConsumeRequest, systemClock } from '@leveret/core';
import type { Channel } from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Link } from '../connection/link.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { ConsumerSubscription } from './consumer-subscription.js';

/** amqplib's channel, without a broker: what comes in the same packet as consume-ok is up to the test. */
class FakeChannel extends EventEmitter {
  readonly #withConsumeOk: (channel: FakeChannel) => void;

  constructor(withConsumeOk: (channel: FakeChannel) => void = () => {}) {
    super();
    this.#withConsumeOk = withConsumeOk;
  }

  prefetch(): Promise<void> {
    return Promise.resolve();
  }

  consume(): Promise<void> {
    // amqplib handles all frames of a packet before the promise of the first is heard.
    return new Promise((resolve) => {
      resolve();
      this.#withConsumeOk(this);
    });
  }

  cancel(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.emit('close');
    return Promise.resolve();
  }
}

class FakeLink {
  ended = false;
  error: Error | undefined;
  readonly #channels: FakeChannel[];

  constructor(...channels: FakeChannel[]) {
    this.#channels = channels;
  }

  openChannel(): Promise<Channel> {
    return Promise.resolve((this.#channels.shift() ?? new FakeChannel()) as unknown as Channel);
  }
}

function subscribe(
  current: () => FakeLink | undefined,
  changes: Partial<ConsumeRequest> = {},
): { subscription: ConsumerSubscription; sink: RecordingSink } {
  const sink = new RecordingSink();
  const host = {
    link: () => current() as unknown as Link | undefined,
    declares: () => false,
    redeclare: () => Promise.resolve(),
    exists: () => Promise.resolve(undefined),
    ended: () => {},
  };
  return { subscription: new ConsumerSubscription(consumeRequest('q', changes), sink, host, systemClock), sink };
}

const CUTS = 12;

describe('ConsumerSubscription', () => {
  it('consumes again when the channel is closed in the same packet as consume-ok', async () => {
    const closed = new Error('Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED"');
    const link = new FakeLink(
      new FakeChannel((channel) => {
        channel.emit('error', closed);
        channel.emit('close');
      }),
    );
    const { subscription, sink } = subscribe(() => link);
    subscription.connected(link as unknown as Link);
    await subscription.ready;
    await eventually('consuming again', () => sink.tags.length === 2);
    expect(sink.causes).to.deep.equal(['channel-closed']);
    expect(sink.failures).to.deep.equal([]);
    await subscription.close();
  });

  it('waits for the next connection when this one is closed in the same packet as consume-ok', async () => {
    let current: FakeLink | undefined;
    const link = new FakeLink(
      new FakeChannel((channel) => {
        channel.emit('close');
        link.ended = true;
        current = undefined;
      }),
    );
    current = link;
    const { subscription, sink } = subscribe(() => current);
    subscription.connected(link as unknown as Link);
    await eventually('the interruption', () => sink.causes.length === 1);
    expect(sink.causes).to.deep.equal(['connection-lost']);
    current = new FakeLink();
    subscription.connected(current as unknown as Link);
    await eventually('consuming again', () => sink.tags.length === 2);
    await subscription.close();
  });

  it('does not count connections that were lost as failures of its own', async () => {
    let current: FakeLink | undefined;
    const { subscription, sink } = subscribe(() => current);
    for (let index = 0; index < CUTS; index++) {
      const channel = new FakeChannel();
      current = new FakeLink(channel);
      subscription.connected(current as unknown as Link);
      await eventually('consuming', () => sink.tags.length === index + 1);
      if (index === CUTS - 1) {
        channel.emit('error', new Error('Channel closed by server: 406 (PRECONDITION-FAILED) with message "no"'));
        channel.emit('close');
        break;
      }
      current.ended = true;
      current = undefined;
      channel.emit('close');
      await eventually('the interruption', () => sink.causes.length === index + 1);
    }
    const closedAt = performance.now();
    await eventually('consuming again', () => sink.tags.length === CUTS + 1);
    // The first failure is met at once; the twelfth in a row, after 10 s.
    expect(performance.now() - closedAt).to.be.below(1000);
    await subscription.close();
  });

  it('says once why it does not consume, however often it asks, and again the next time', async () => {
    const missing = new Error(
      `Operation failed: BasicConsume; 404 (NOT-FOUND) with message "NOT_FOUND - no queue 'q' in vhost '/'"`,
    );
    let asked = 0;
    class Missing extends FakeChannel {
      override consume(): Promise<void> {
        asked++;
        return Promise.reject(missing);
      }
    }
    const working = new FakeChannel();
    const link = new FakeLink(new Missing(), new Missing(), new Missing(), working, new Missing(), new Missing());
    const { subscription, sink } = subscribe(() => link, { missingQueue: 'wait' });
    subscription.connected(link as unknown as Link);
    await eventually('consuming', () => sink.tags.length === 1);
    expect([asked, sink.causes]).to.deep.equal([3, ['queue-missing']]);
    working.emit('close');
    await eventually('consuming again', () => sink.tags.length === 2);
    expect([asked, sink.causes]).to.deep.equal([5, ['queue-missing', 'channel-closed', 'queue-missing']]);
    await subscription.close();
  });

  it('closes a channel that it no longer wants when consume-ok comes', async () => {
    let wanted = true;
    const channel = new FakeChannel(() => {
      wanted = false;
      subscription.cancel();
    });
    let closed = false;
    channel.once('close', () => {
      closed = true;
    });
    const link = new FakeLink(channel);
    const { subscription, sink } = subscribe(() => link);
    subscription.connected(link as unknown as Link);
    await eventually('the end of the channel', () => closed);
    expect(wanted).to.equal(false);
    expect(sink.tags).to.deep.equal([]);
  });

  it('consumes with the prefetch that it was resumed with while the broker was asked', async () => {
    const prefetches: number[] = [];
    class Counting extends FakeChannel {
      override prefetch(count?: number): Promise<void> {
        prefetches.push(count ?? 0);
        return super.prefetch();
      }
    }
    const channel = new Counting(() => {
      subscription.pause();
      subscription.resume(7);
    });
    const link = new FakeLink(channel);
    const { subscription, sink } = subscribe(() => link);
    subscription.connected(link as unknown as Link);
    await eventually('consuming again', () => sink.tags.length >= 2);
    expect(prefetches.at(-1)).to.equal(7);
    expect(prefetches[0]).not.to.equal(7);
    await subscription.close();
  });
});
