import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { Problems } from '../errors/configuration-error.js';
import { RejectMessage, RequeueMessage } from '../errors/outcome-signal.js';
import { checkStream } from './check-stream.js';
import { Consumer } from './consumer.js';
import {
  aDefinition,
  aQueueDeclaration,
  ListenerHarness,
  type ListenerParts,
} from './listener-harness.support.test.js';
import { ScriptedTransport } from './scripted-transport.support.test.js';

const STREAM = { queueDeclaration: aQueueDeclaration({ type: 'stream' }) };

async function consuming(parts: ListenerParts = {}) {
  const seen: string[] = [];
  const failing = new Map<string, () => unknown>();
  const harness = new ListenerHarness({
    handle: ({ payload }) => {
      seen.push(String(payload));
      return failing.get(String(payload))?.();
    },
    ...parts,
    definition: { ...STREAM, ...parts.definition },
  });
  const transport = new ScriptedTransport();
  const events = { consuming() {}, interrupted() {}, failed() {}, overdue: () => consumer.takeOneAtATime() };
  const consumer: Consumer = new Consumer(harness.env, transport, events);
  await consumer.start();
  const subscription = transport.last;
  const deliver = (...offsets: number[]) => {
    for (const offset of offsets) {
      subscription.deliverMessage({ text: `m${offset}`, headers: { 'x-stream-offset': offset } });
    }
  };
  return { seen, failing, harness, consumer, subscription, deliver, clock: harness.clock };
}

function thrower(error: Error): () => never {
  return () => {
    throw error;
  };
}

const acks = (...tags: number[]) => tags.map((tag) => `basic.ack ${tag}`);

describe('Consumer of a stream', () => {
  afterEach(() => sinon.restore());

  it('acknowledges what it has handled, and goes on behind it on the next channel', async () => {
    const { deliver, subscription, seen } = await consuming();
    deliver(7, 8);
    await turn();
    expect(subscription.channel.frames).to.deep.equal(acks(1, 2));
    expect(subscription.request.startAt?.()).to.deep.equal({ offset: 9 });
    subscription.reconnect();
    subscription.consumeOk();
    deliver(8, 9);
    await turn();
    expect(seen).to.deep.equal(['m7', 'm8', 'm9']);
  });

  it('settles as any other what has no place in a stream', async () => {
    const { subscription, seen, failing } = await consuming();
    failing.set('m2', thrower(new RejectMessage('never')));
    subscription.deliver('m1', 'm2');
    await turn();
    expect(seen).to.deep.equal(['m1', 'm2']);
    expect(subscription.channel.frames).to.deep.equal(['basic.ack 1', 'basic.reject 2']);
  });

  it('begins at the end again where it began, when nothing has come yet', async () => {
    const { subscription, clock } = await consuming();
    expect(subscription.request.startAt?.()).to.deep.equal({ timestamp: Math.floor((clock.now() - 10_000) / 1000) });
    const first = await consuming({ definition: { consumerArguments: { 'x-stream-offset': 'first' } } });
    expect(first.subscription.request.startAt?.()).to.equal(undefined);
  });

  for (const [what, parts, error] of [
    ['a failure without retry', {}, new Error('broken')],
    ['a handler that asks for it', {}, new RequeueMessage('not now')],
    ['the recoverer', { retry: { maxAttempts: 1 }, recover: () => 'requeue' }, new Error('broken')],
  ] as const) {
    it(`tries again here, in order, what ${what} puts back`, async () => {
      const { deliver, subscription, seen, failing, clock, harness } = await consuming(parts as ListenerParts);
      failing.set('m1', thrower(error));
      deliver(1, 2);
      await turn();
      expect(seen).to.deep.equal(['m1']);
      expect(subscription.request.startAt?.()).to.deep.equal({ offset: 1 });
      failing.delete('m1');
      await clock.advance(1200);
      expect(seen).to.deep.equal(['m1', 'm1', 'm2']);
      expect(subscription.channel.frames).to.deep.equal(acks(1, 2));
      expect(harness.counted).to.include({ requeued: 1, handled: 2 });
    });
  }

  it('waits longer before each further try, and says to the handler that the message has come before', async () => {
    sinon.stub(Math, 'random').returns(0);
    const tries: [number, boolean][] = [];
    const { deliver, clock } = await consuming({
      handle: ({ redelivered }) => {
        tries.push([clock.elapsed, redelivered]);
        throw new Error('broken');
      },
    });
    deliver(1);
    await clock.advance(15_000);
    expect(tries).to.deep.equal([
      [0, false],
      [1000, true],
      [3000, true],
      [7000, true],
      [15_000, true],
    ]);
  });

  it('is not at work between two tries, and counts the time of each alone', async () => {
    const { deliver, subscription, failing, consumer, clock, harness } = await consuming({
      definition: { consumerTimeoutMs: 100_000 },
    });
    failing.set('m1', thrower(new Error('broken')));
    deliver(1);
    await turn();
    expect([consumer.works, consumer.atWork]).to.deep.equal([[], 1]);
    failing.set('m1', () => new Promise(() => {}));
    await clock.advance(3000);
    expect(consumer.works).to.have.lengthOf(1);
    const beganAgo = 3000 - 1000;
    subscription.sink.interrupted('delivery-timeout', undefined);
    expect(harness.env.patience.timeoutMs).to.be.within(beganAgo - 200, beganAgo);
    expect(harness.counted).to.include({ takenBack: 1 });
    const between = await consuming();
    between.failing.set('m1', thrower(new Error('broken')));
    between.deliver(1);
    await turn();
    between.subscription.sink.interrupted('delivery-timeout', undefined);
    expect(between.harness.counted).not.to.have.property('takenBack');
  });

  it('skips what is rejected, and counts it', async () => {
    const { deliver, subscription, seen, failing, harness } = await consuming();
    failing.set('m1', thrower(new RejectMessage('never')));
    deliver(1, 2);
    await turn();
    expect(seen).to.deep.equal(['m1', 'm2']);
    expect(subscription.channel.frames).to.deep.equal(acks(1, 2));
    expect(harness.counted).to.include({ skipped: 1, handled: 1 });
    expect(subscription.request.startAt?.()).to.deep.equal({ offset: 3 });
  });

  it('sends nothing but acks when it stops, and does not go past what it has not handled', async () => {
    const { deliver, subscription, failing, consumer } = await consuming();
    failing.set('m1', () => new Promise(() => {}));
    deliver(1, 2, 3);
    await turn();
    await consumer.cancel();
    consumer.hurry();
    await consumer.close();
    expect(subscription.channel.frames).to.deep.equal(acks(2, 3));
    expect(subscription.request.startAt?.()).to.deep.equal({ offset: 1 });
  });

  it('takes what was handled for handled, though its channel had gone', async () => {
    const { deliver, subscription, failing, seen } = await consuming();
    let end = () => {};
    failing.set('m1', () => new Promise<void>((resolve) => (end = resolve)));
    deliver(1);
    await turn();
    subscription.reconnect();
    subscription.consumeOk();
    deliver(1, 2);
    end();
    await turn();
    expect(seen).to.deep.equal(['m1', 'm2']);
    expect(subscription.channel.frames).to.deep.equal(acks(1, 2));
  });

  it('gives up a wait when it stops, and tries no more', async () => {
    const { deliver, failing, consumer, clock, seen } = await consuming();
    failing.set('m1', thrower(new Error('broken')));
    deliver(1);
    await turn();
    await consumer.cancel();
    await consumer.whenIdle();
    expect(clock.waits.length).to.be.at.most(1);
    await clock.advance(60_000);
    expect(seen).to.deep.equal(['m1']);
  });

  it('tries no more on a channel that is gone: the message comes again on the next', async () => {
    const { deliver, failing, subscription, clock, seen } = await consuming();
    failing.set('m1', thrower(new Error('broken')));
    deliver(1);
    await turn();
    subscription.reconnect();
    subscription.consumeOk();
    await clock.advance(60_000);
    expect(seen).to.deep.equal(['m1']);
    failing.delete('m1');
    deliver(1);
    await turn();
    expect(seen).to.deep.equal(['m1', 'm1']);
  });
});

describe('checkStream', () => {
  const faults = (definition: ListenerParts['definition'], rest: ListenerParts = {}) => {
    const problems = new Problems('Orders.onPaid');
    checkStream(aDefinition({ ...rest, definition: { ...STREAM, ...definition } }), problems);
    return problems.list;
  };

  it('refuses what no stream can do, and nothing else', () => {
    const cases: readonly [ListenerParts['definition'], ListenerParts, RegExp?][] = [
      [{ prefetch: 0 }, {}, /prefetch must be at least 1/],
      [{ prefetch: 1, concurrency: 1 }, {}],
      [{ concurrency: 2 }, {}, /each of 2 consumers would get every message/],
      [{ exclusive: true }, {}, /exclusive/],
      [{ priority: 1 }, {}, /priority/],
      [{}, { policy: { acknowledge: 'none' } }, /acknowledge/],
      [{}, { policy: { acknowledge: 'manual' } }],
      [{}, { retry: { stateless: false } }, /stateful retry/],
      [{}, { retry: {} }],
      [{ redeliver: { delaysMs: [1000] } as never }, {}, /redeliver does not exist on a stream/],
      [{ streamOffsets: {} as never }, {}],
      [{ queueDeclaration: aQueueDeclaration(), streamOffsets: {} as never }, {}, /streamOffsets is for streams/],
    ];
    for (const [definition, rest, text] of cases) {
      const found = faults(definition, rest);
      expect(found, JSON.stringify(definition)).to.have.lengthOf(text === undefined ? 0 : 1);
      if (text !== undefined) expect(found[0]).to.match(text);
    }
  });

  it('knows a stream by its offset, and leaves queues alone', () => {
    expect(
      faults({ queueDeclaration: undefined, consumerArguments: { 'x-stream-offset': 5 }, prefetch: 0 }),
    ).to.have.lengthOf(1);
    expect(faults({ queueDeclaration: aQueueDeclaration(), prefetch: 0 })).to.deep.equal([]);
  });
});
