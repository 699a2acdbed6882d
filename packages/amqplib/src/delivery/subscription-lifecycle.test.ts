import { EventEmitter } from 'node:events';
import type { ConsumeRequest } from '@leveret/core';
import type { Channel } from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { Link } from '../connection/link.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { ConsumerSubscription } from './consumer-subscription.js';

const refusal = (code: number, text = 'no') =>
  new Error(`Operation failed: BasicConsume; ${code} (NAME) with message "${text}"`);
const turn = () => new Promise((resolve) => setImmediate(resolve));

type Step = 'consume' | 'cancel' | 'close';

/** amqplib's channel, which answers when the test lets it. */
class SlowChannel extends EventEmitter {
  readonly asked: string[] = [];
  /** What is not answered at once. */
  readonly held: ReadonlySet<Step>;
  readonly #waiting = new Map<Step, () => void>();
  refuses: Error | undefined;
  #received: (message: null) => void = () => {};

  constructor(...held: Step[]) {
    super();
    this.held = new Set(held);
  }

  prefetch(count: number): Promise<void> {
    this.asked.push(`prefetch ${count}`);
    return Promise.resolve();
  }

  consume(_queue: string, received: (message: null) => void, options: { consumerTag: string }): Promise<void> {
    this.#received = received;
    return this.#ask('consume', `consume ${options.consumerTag}`);
  }

  cancel(tag: string): Promise<void> {
    return this.#ask('cancel', `cancel ${tag}`);
  }

  close(): Promise<void> {
    return this.#ask('close', 'close').then(() => void this.emit('close'));
  }

  answer(step: Step): Promise<unknown> {
    this.#waiting.get(step)?.();
    return turn();
  }

  /** The broker takes the consumer away. */
  cancelledByBroker(): void {
    this.#received(null);
  }

  endedBy(error: Error): void {
    this.emit('error', error);
    this.emit('close');
  }

  #ask(step: Step, what: string): Promise<void> {
    this.asked.push(what);
    if (step === 'consume' && this.refuses !== undefined) return Promise.reject(this.refuses);
    if (!this.held.has(step)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(step, resolve));
  }
}

function setUp(channels: readonly SlowChannel[], changes: Partial<ConsumeRequest> = {}, exists?: boolean) {
  const clock = new FakeClock();
  const sink = new RecordingSink(() => {});
  const left = [...channels];
  const link = {
    ended: false,
    error: undefined as Error | undefined,
    facts: { version: '4.3.0' },
    flush: () => {},
    openChannel: async () => (left.shift() ?? new SlowChannel()) as unknown as Channel,
  };
  const ended: ConsumerSubscription[] = [];
  const redeclared: string[] = [];
  let stands = true;
  const subscription = new ConsumerSubscription(
    consumeRequest('q', { tagPrefix: 'pay', ...changes }),
    sink,
    {
      link: () => (stands ? (link as unknown as Link) : undefined),
      declares: () => false,
      redeclare: async (queue) => void redeclared.push(queue),
      exists: async () => exists,
      ended: (each) => void ended.push(each),
    },
    clock,
  );
  const begin = async () => {
    subscription.connected(link as unknown as Link);
    await turn();
  };
  const gone = () => {
    stands = false;
  };
  return { subscription, sink, clock, link, begin, ended, redeclared, gone };
}

async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false;
  promise.then(() => {
    over = true;
  });
  await turn();
  return over;
}

describe('a subscription from its beginning to its end', () => {
  it('has a tag of its own each time, and no two have one in common', async () => {
    const channels = [new SlowChannel(), new SlowChannel()];
    const [one, two] = [setUp([channels[0]!]), setUp([channels[1]!])];
    await Promise.all([one.begin(), two.begin()]);
    const tags = [one, two].map(({ sink }) => sink.tags[0]);
    expect(tags[0]).to.match(/^pay.*-1$/);
    expect(tags[0]).to.not.equal(tags[1]);
    expect(channels[0]!.asked).to.deep.equal(['prefetch 10', `consume ${tags[0]}`]);
  });

  it('says for how long the broker has not answered, and that it has', async () => {
    const channel = new SlowChannel('consume');
    const { subscription, clock, begin } = setUp([channel]);
    expect(subscription.unansweredForMs).to.equal(undefined);
    await clock.advance(5_000);
    await begin();
    await clock.advance(1_500);
    expect(subscription.unansweredForMs).to.equal(1_500);
    await channel.answer('consume');
    expect(subscription.unansweredForMs).to.equal(undefined);
  });

  it('waits for the answers when it is cancelled and then closed', async () => {
    const channel = new SlowChannel('cancel', 'close');
    const { subscription, sink, begin, ended, clock } = setUp([channel]);
    await begin();
    const cancelled = subscription.cancel();
    expect(subscription.cancel()).to.equal(cancelled);
    expect(await isOver(cancelled)).to.equal(false);
    expect(ended).to.deep.equal([subscription]);
    await channel.answer('cancel');
    await cancelled;
    const closed = subscription.close();
    expect(subscription.close()).to.equal(closed);
    expect(await isOver(closed)).to.equal(false);
    await channel.answer('close');
    await closed;
    expect(channel.asked.slice(2)).to.deep.equal([`cancel ${sink.tags[0]}`, 'close']);
    expect([clock.waits, sink.failures, sink.interruptions]).to.deep.equal([[], [], []]);
  });

  it('waits five seconds each for them, and no longer', async () => {
    const channel = new SlowChannel('cancel', 'close');
    const { subscription, begin, clock } = setUp([channel]);
    await begin();
    const closed = subscription.close();
    await turn();
    expect(clock.waits).to.deep.equal([5_000]);
    await clock.advance(4_999);
    expect(channel.asked.at(-1)).to.match(/^cancel/);
    await clock.advance(1);
    expect([channel.asked.at(-1), clock.waits]).to.deep.equal(['close', [5_000]]);
    await clock.advance(5_000);
    await closed;
  });

  it('sends no cancel where another takes over at the close of the channel', async () => {
    const channel = new SlowChannel();
    const { subscription, begin } = setUp([channel], { handsOverAtClose: true });
    await begin();
    await subscription.cancel();
    expect(channel.asked.some((each) => each.startsWith('cancel'))).to.equal(false);
    await subscription.close();
    expect(channel.asked.at(-1)).to.equal('close');
  });

  it('is refused to whoever waits for it when it is cancelled before', async () => {
    const { subscription, begin } = setUp([new SlowChannel('consume')]);
    await begin();
    void subscription.cancel();
    expect(await rejectionOf(subscription.ready)).to.include({ code: 'LEV_INVALID_STATE' });
    expect(String(await rejectionOf(subscription.ready))).to.contain('queue "q" was cancelled');
  });

  it('asks no more when it is cancelled in a pause', async () => {
    const channel = new SlowChannel();
    const { subscription, begin, clock, sink } = setUp([channel], { missingQueue: 'wait' });
    channel.refuses = refusal(404);
    await begin();
    expect(clock.waits).to.have.lengthOf(1);
    await subscription.close();
    expect(clock.waits).to.deep.equal([]);
    expect([sink.tags, sink.causes]).to.deep.equal([[], ['queue-missing']]);
  });

  it('fails once for all when the connection will not come back, also in a pause', async () => {
    const channel = new SlowChannel();
    const { subscription, begin, clock, sink, ended } = setUp([channel], { missingQueue: 'wait' });
    channel.refuses = refusal(404);
    await begin();
    const error = new Error('credentials refused');
    subscription.connectionFailed(error);
    subscription.connectionFailed(new Error('again'));
    expect(await rejectionOf(subscription.ready)).to.equal(error);
    expect([sink.failures, ended, clock.waits]).to.deep.equal([[error], [subscription], []]);
    await subscription.close();
  });

  it('fails with the words of the broker where it may never consume', async () => {
    for (const [code, expected] of [
      [404, 'LEV_QUEUE_MISSING'],
      [403, 'LEV_CHANNEL_CLOSED'],
    ] as const) {
      const channel = new SlowChannel();
      channel.refuses = refusal(code, "the broker's words");
      const { subscription, begin, sink } = setUp([channel]);
      await begin();
      expect(await rejectionOf(subscription.ready)).to.include({ code: expected });
      expect(sink.failures).to.have.lengthOf(1);
      expect(channel.asked.at(-1)).to.equal('close');
    }
  });

  it('fails where the broker ends the connection over the first consumer, and waits for the next over a later one', async () => {
    for (const [code, fails] of [
      [530, true],
      [540, true],
      [541, false],
    ] as const) {
      const channel = new SlowChannel();
      const { subscription, begin, sink, link } = setUp([channel]);
      channel.refuses = new Error('the channel is gone');
      link.ended = true;
      link.error = new Error(`Connection closed: ${code} (NAME) with message "no"`);
      await begin();
      expect(sink.failures, String(code)).to.have.lengthOf(fails ? 1 : 0);
      void subscription.close();
    }
  });
});

describe('a subscription that is held', () => {
  it('cancels its consumer, keeps the channel, and begins on it again when that is answered', async () => {
    const channel = new SlowChannel('cancel');
    const { subscription, begin, sink, clock } = setUp([channel]);
    await begin();
    subscription.pause();
    subscription.resume(3);
    await turn();
    expect(sink.tags).to.have.lengthOf(1);
    await channel.answer('cancel');
    await clock.advance(0);
    expect(sink.tags.map((tag) => tag.at(-1))).to.deep.equal(['1', '2']);
    expect(channel.asked).to.deep.equal([
      ...['prefetch 10', `consume ${sink.tags[0]}`, `cancel ${sink.tags[0]}`],
      ...['prefetch 3', `consume ${sink.tags[1]}`],
    ]);
    void subscription.close();
  });

  it('does not begin again when it is held once more meanwhile', async () => {
    const channel = new SlowChannel('cancel');
    const { subscription, begin, sink, clock } = setUp([channel]);
    await begin();
    subscription.pause();
    subscription.resume(3);
    subscription.pause();
    await channel.answer('cancel');
    await clock.advance(0);
    expect(sink.tags).to.have.lengthOf(1);
    void subscription.close();
  });

  it('takes nothing on a connection that comes meanwhile, or while it is asked', async () => {
    const channel = new SlowChannel('consume');
    const { subscription, begin, sink } = setUp([channel]);
    subscription.pause();
    await begin();
    expect(channel.asked).to.deep.equal([]);
    expect(subscription.unansweredForMs).to.equal(undefined);
    await subscription.close();
    const asked = new SlowChannel('consume');
    const other = setUp([asked]);
    await other.begin();
    other.subscription.pause();
    await asked.answer('consume');
    expect(asked.asked.at(-1)).to.equal(`cancel ${other.sink.tags[0]}`);
    expect(sink.tags).to.deep.equal([]);
    await other.subscription.close();
  });

  it('hears that its channel was lost with what it brought', async () => {
    const channel = new SlowChannel();
    const { subscription, begin, sink } = setUp([channel]);
    await begin();
    subscription.pause();
    channel.endedBy(refusal(406));
    expect(sink.causes).to.deep.equal(['channel-closed']);
    void subscription.close();
  });
});

describe('a subscription whose consumer is taken away', () => {
  it('declares the queue again and consumes anew on the same channel where it owes nothing', async () => {
    const channel = new SlowChannel();
    const { subscription, begin, sink, clock, redeclared } = setUp([channel]);
    await begin();
    channel.cancelledByBroker();
    expect(sink.causes).to.deep.equal(['cancelled']);
    await clock.advance(0);
    expect([redeclared, sink.tags.length]).to.deep.equal([['q'], 2]);
    await subscription.close();
  });

  it('consumes on another channel when the broker closes its own, with pauses when that happens again', async () => {
    const channels = [new SlowChannel(), new SlowChannel(), new SlowChannel()];
    const { subscription, begin, sink, clock, redeclared } = setUp(channels);
    await begin();
    channels[0]!.endedBy(refusal(406));
    await clock.advance(0);
    expect(sink.tags).to.have.lengthOf(2);
    channels[1]!.endedBy(refusal(406));
    expect(clock.waits[0]).to.be.within(100, 120);
    await clock.advance(120);
    expect([sink.tags.length, sink.causes, redeclared]).to.deep.equal([3, ['channel-closed', 'channel-closed'], []]);
    await subscription.close();
  });

  it('waits for a connection when there is none at the end of the pause', async () => {
    const channel = new SlowChannel();
    const { subscription, begin, sink, clock, gone } = setUp([channel]);
    await begin();
    channel.endedBy(refusal(406));
    gone();
    await clock.advance(0);
    expect([sink.tags.length, clock.waits]).to.deep.equal([1, []]);
    await begin();
    expect(sink.tags).to.have.lengthOf(2);
    await subscription.close();
  });

  it('tells the end of the connection from that of the channel, a turn later', async () => {
    for (const [ended, cause] of [
      [true, 'connection-lost'],
      [false, 'channel-closed'],
    ] as const) {
      const channel = new SlowChannel();
      const { subscription, begin, sink, link, gone } = setUp([channel]);
      await begin();
      gone();
      channel.emit('close');
      link.ended = ended;
      await turn();
      expect(sink.causes).to.deep.equal([cause]);
      void subscription.close();
    }
  });
});
