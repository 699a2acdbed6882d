import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { ABroker } from '../test-support/a-broker.js';
import { aMessage } from '../test-support/a-message.js';
import { HandClock } from '../test-support/hand-clock.js';
import type { WayBack } from './decide-return.js';
import { HeldQueue, type HoldLimits, inWindow } from './held-queue.js';

const IN_USE = () => new Error(`403 ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use`);

describe('HeldQueue', () => {
  let clock: HandClock;
  let broker: ABroker;
  beforeEach(() => {
    clock = new HandClock();
    broker = new ABroker(clock, 3);
  });
  const take = (way: WayBack = 'returned', limits?: HoldLimits) =>
    clock.through(HeldQueue.take('q', { session: broker.broker, clock, way, limits }));
  const refusal = async (way: WayBack = 'returned', limits?: HoldLimits) =>
    (await take(way, limits).catch((error: unknown) => error)) as Error & { code?: string };
  const idsOf = ({ deliveries }: HeldQueue) => deliveries.map(({ message }) => message.messageId);

  it('has every message in its order, as the only consumer, when nothing more has come for 40 ms', async () => {
    const held = await take();
    expect([idsOf(held), held.isComplete, held.otherConsumers]).to.deep.equal([['m0', 'm1', 'm2'], true, 0]);
    expect(broker.log).to.deep.equal(['consume {"prefetch":50000,"exclusive":true}', 'cancel']);
    expect(clock.ms).to.be.within(40, 60);
  });

  it('puts back all that it did not acknowledge, and waits until the queue has it', async () => {
    const held = await take();
    const [first] = held.deliveries;
    expect([held.ack(first as never), held.ack(first as never), 'twice']).to.deep.equal([true, true, 'twice']);
    await clock.through(held.giveBack());
    expect(broker.ids).to.deep.equal(['m1', 'm2']);
    expect(broker.log.slice(-2)).to.deep.equal(['give back', 'close']);
  });

  it('gives back nothing where all is acknowledged', async () => {
    const held = await take();
    for (const delivery of held.deliveries) held.ack(delivery);
    await clock.through(held.giveBack());
    expect(broker.log.at(-1)).to.equal('close');
    expect(broker.log).to.not.include('give back');
  });

  for (const [others, ms] of [
    [0, 10_000],
    [1, 500],
  ] as const) {
    it(`waits ${ms} ms for the queue to have them at most, where it has ${others} other consumers`, async () => {
      broker.consumers = others;
      if (others > 0) broker.refusals = [IN_USE()];
      const held = await take();
      broker.isSlow = true;
      const from = clock.ms;
      await clock.through(held.giveBack());
      expect(clock.ms - from).to.be.within(ms, ms + 10);
    });
  }

  it('replaces each by a confirmed copy where the broker would count the look', async () => {
    const held = await take('copied');
    await clock.through(held.giveBack());
    expect(broker.ids).to.deep.equal(['m0', 'm1', 'm2']);
    expect(broker.ready.map(({ headers }) => headers['x-leveret-parked-place'])).to.deep.equal([0, 1, 2]);
    expect(broker.log.slice(-2)).to.deep.equal(['close writer', 'close']);
  });

  it('replaces those that a process that died has left a count on, whatever the broker', async () => {
    broker.ready[1] = aMessage({ messageId: 'm1', headers: { 'x-delivery-count': 1 } });
    const held = await take('returned');
    await clock.through(held.giveBack());
    expect(broker.ready.map(({ headers }) => headers['x-leveret-parked-place'])).to.deep.equal([0, 1, 2]);
    expect(broker.log).to.not.include('give back');
  });

  it('leaves the original where a copy is refused, and says so', async () => {
    const held = await take('copied');
    broker.confirm = ({ properties }) =>
      properties.messageId === 'm1' ? { kind: 'nack', returned: undefined } : { kind: 'ack', returned: undefined };
    const error = await clock.through(held.giveBack().catch((thrown: unknown) => thrown));
    expect(error).to.include({ code: 'LEV_PUBLISH_NACKED' });
    expect(broker.ids).to.have.members(['m0', 'm1', 'm2']);
    expect(broker.log.at(-1)).to.equal('close');
  });

  it('holds so many messages or bytes at most, and says when there are more', async () => {
    const few = await take('returned', { maxMessages: 2 });
    expect(few.isComplete).to.equal(false);
    expect(broker.log[0]).to.equal('consume {"prefetch":2,"exclusive":true}');
    broker = new ABroker(clock, 3);
    expect((await take('returned', { maxBytes: 6 })).isComplete).to.equal(false);
    broker = new ABroker(clock, 3);
    expect((await take('returned', { maxBytes: 7, maxMessages: 4 })).isComplete).to.equal(true);
    broker = new ABroker(clock, 3);
    await take('returned', { maxMessages: 100_000 });
    expect(broker.log[0]).to.equal('consume {"prefetch":65535,"exclusive":true}');
  });

  it('refuses what it could not put back as a whole, and has put it back', async () => {
    const many = await refusal('copied', { maxMessages: 2 });
    expect(many).to.include({ code: 'LEV_OPERATION_REFUSED' });
    expect(many.message).to.contain('holds 3 messages, more than may be taken in hand (2)');
    expect(broker.log).to.deep.equal([]);
    const large = await refusal('copied', { maxBytes: 4 });
    expect(large.message).to.contain('more bytes than may be taken in hand (4)');
    expect(broker.ids).to.have.members(['m0', 'm1', 'm2']);
    expect(broker.log.at(-1)).to.equal('close');
  });

  it('says that the queue is not there, before and while it is taken', async () => {
    broker.isThere = false;
    expect(await refusal()).to.include({ code: 'LEV_QUEUE_MISSING' });
    broker.isThere = true;
    const taking = HeldQueue.take('q', { session: broker.broker, clock, way: 'returned' });
    await clock.settle();
    broker.isThere = false;
    const error = await clock.through(taking.catch((thrown: unknown) => thrown));
    expect(error).to.include({ code: 'LEV_QUEUE_MISSING' });
    expect(broker.log.at(-1)).to.equal('close');
  });

  it('waits a second for what was counted before and does not come', async () => {
    const { broker: session } = broker;
    let asked = 0;
    const queue = async () => ({ messages: asked++ === 0 ? 5 : 0, consumers: 0 });
    const taking = HeldQueue.take('q', { session: { ...session, queue } as never, clock, way: 'returned' });
    expect((await clock.through(taking)).deliveries).to.have.lengthOf(3);
    expect(clock.ms).to.be.within(1_000, 1_020);
  });

  it('gives up when nothing is handed out for five seconds', async () => {
    broker.isStalled = true;
    const error = await refusal();
    expect(error).to.include({ code: 'LEV_OPERATION_REFUSED' });
    expect(error.message).to.contain('has 3 messages, and hands out none');
    expect(clock.ms).to.be.within(5_000, 5_020);
    expect(broker.log.at(-1)).to.equal('close');
  });

  it('says that its consumer ended', async () => {
    broker.isStalled = true;
    const taking = HeldQueue.take('q', { session: broker.broker, clock, way: 'returned' });
    await clock.settle();
    broker.sink?.ended(new Error('connection lost'));
    const error = (await clock.through(taking.catch((thrown: unknown) => thrown))) as Error;
    expect(error).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
    expect(error.message).to.contain('could not be taken in hand: connection lost. They are in the queue as before.');
    expect(broker.log.at(-1)).to.equal('close');
  });

  it('consumes beside a service, and waits ten seconds for who has the queue for itself', async () => {
    broker.consumers = 2;
    broker.refusals = [IN_USE()];
    expect((await take()).otherConsumers).to.equal(2);
    expect(broker.log.slice(0, 2)).to.deep.equal([
      'consume {"prefetch":50000,"exclusive":true}',
      'consume {"prefetch":50000,"exclusive":false}',
    ]);
    broker = new ABroker(clock, 1);
    broker.refusals = Array.from({ length: 1_000 }, IN_USE);
    const from = clock.ms;
    const error = await refusal();
    expect(error).to.include({ code: 'LEV_OPERATION_REFUSED' });
    expect(error.message).to.contain('consumed exclusively by somebody else');
    expect(clock.ms - from).to.be.within(10_000, 10_100);
    const other = new Error('403 ACCESS_REFUSED - no right');
    broker.refusals = [other];
    expect(await refusal()).to.equal(other);
  });
});

describe('inWindow', () => {
  it('does so many at once, begins in order, and waits for all', async () => {
    const [begun, ends]: [number[], (() => void)[]] = [[], []];
    let isDone = false;
    const work = inWindow([1, 2, 3, 4], 2, (item) => {
      begun.push(item);
      return new Promise<void>((resolve) => ends.push(resolve));
    }).then(() => {
      isDone = true;
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    await turn();
    expect(begun).to.deep.equal([1, 2]);
    ends[1]?.();
    await turn();
    expect(begun).to.deep.equal([1, 2, 3]);
    ends[0]?.();
    ends[2]?.();
    await turn();
    expect([begun, isDone]).to.deep.equal([[1, 2, 3, 4], false]);
    ends[3]?.();
    await work;
    expect(isDone).to.equal(true);
  });

  it('begins nothing behind the first failure, and throws that once all that was begun has ended', async () => {
    const begun: number[] = [];
    const fault = new Error('first');
    let hasEnded = false;
    const thrown = await inWindow([1, 2, 3, 4], 2, async (item) => {
      begun.push(item);
      if (item === 1) throw fault;
      await new Promise((resolve) => setImmediate(resolve));
      hasEnded = true;
      throw new Error('second');
    }).catch((error: unknown) => error);
    expect([begun, thrown, hasEnded]).to.deep.equal([[1, 2], fault, true]);
  });
});
