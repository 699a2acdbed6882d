import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { AnsweringLink, refusal } from '../test-support/answering-link.js';
import { bindingOf, exchangeOf, queueOf, topologyOf } from '../test-support/declarations.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { topologyOfQueue } from './declare-topology.js';
import { mergeTopologies, TopologyKeeper } from './topology-keeper.js';

describe('mergeTopologies', () => {
  it('adds what is new and lets the later declaration of a name win', () => {
    const first = topologyOf({
      exchanges: [exchangeOf('a'), exchangeOf('b')],
      queues: [queueOf('q')],
      bindings: [bindingOf('a', 'q', 'one')],
    });
    const second = topologyOf({
      exchanges: [exchangeOf('b', { type: 'topic' })],
      queues: [queueOf('r')],
      bindings: [bindingOf('a', 'q', 'one'), bindingOf('a', 'q', 'two')],
    });
    expect(mergeTopologies(first, second)).to.deep.equal(
      topologyOf({
        exchanges: [exchangeOf('a'), exchangeOf('b', { type: 'topic' })],
        queues: [queueOf('q'), queueOf('r')],
        bindings: [bindingOf('a', 'q', 'one'), bindingOf('a', 'q', 'two')],
      }),
    );
  });
});

describe('topologyOfQueue', () => {
  const topology = topologyOf({
    exchanges: [exchangeOf('a'), exchangeOf('b')],
    queues: [queueOf('q'), queueOf('r')],
    bindings: [
      bindingOf('a', 'q', 'key'),
      bindingOf('b', 'r', 'key'),
      { ...bindingOf('b', 'q', 'key'), destinationType: 'exchange' },
    ],
  });

  it('takes the queue, its bindings and the exchanges they come from', () => {
    expect(topologyOfQueue(topology, 'q')).to.deep.equal(
      topologyOf({ exchanges: [exchangeOf('a')], queues: [queueOf('q')], bindings: [bindingOf('a', 'q', 'key')] }),
    );
  });

  it('is nothing for a queue that is not declared', () => {
    expect(topologyOfQueue(topology, 'other')).to.equal(undefined);
  });
});

const DOWN = "NOT_FOUND - home node 'n' of queue 'q' is down or inaccessible";
const OTHER =
  "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received none but current is the value '5' of type 'long'";

describe('TopologyKeeper', () => {
  function setUp(mismatch: 'fail' | 'warn' = 'warn') {
    const clock = new FakeClock();
    const told: string[] = [];
    const keeper = new TopologyKeeper(
      mismatch,
      (event) => {
        if (event.type === 'declare-failed') {
          const { code } = event.error as { code?: string };
          told.push(`${event.role} ${code}${event.fatal ? ', fatal' : ''}`);
        } else told.push(event.type);
      },
      clock,
    );
    return { clock, told, keeper, to: new AnsweringLink() };
  }
  const refuse = (code: number, text: string) => () => Promise.reject(refusal(code, text));
  const q = topologyOf({
    exchanges: [exchangeOf('x')],
    queues: [queueOf('q')],
    bindings: [bindingOf('x', 'q', 'key')],
  });
  const asks = ['assertExchange x direct', 'assertQueue q', 'bindQueue q x key'];

  it('remembers what is added without a connection, and declares all of it on each', async () => {
    const { keeper, to } = setUp();
    await keeper.add(q, {}, undefined, 'consume');
    await keeper.add(topologyOf({ queues: [queueOf('own', { exclusive: true })] }), {}, undefined, 'consume');
    expect([keeper.declares('q'), keeper.declares('other')]).to.deep.equal([true, false]);
    expect([keeper.isExclusive('own'), keeper.isExclusive('q'), keeper.isExclusive('other')]).to.deep.equal([
      ...[true, false, false],
    ]);
    expect([keeper.isAsDeclared('q'), keeper.delays('x')]).to.deep.equal([false, false]);
    await keeper.declareAll(to.link, 'publish', true);
    expect(to.asked).to.deep.equal(asks);
    const consuming = new AnsweringLink();
    await keeper.declareAll(consuming.link, 'consume', false);
    expect(consuming.asked).to.deep.equal([
      'assertExchange x direct',
      'assertQueue q',
      'bindQueue q x key',
      'assertQueue own',
    ]);
    expect([keeper.isAsDeclared('q'), keeper.isAsDeclared('own')]).to.deep.equal([true, true]);
    expect([to.open, consuming.open]).to.deep.equal([0, 0]);
  });

  it('declares at once what is added while there is a connection, and forgets what was refused', async () => {
    const { keeper, to, told } = setUp();
    await keeper.add(q, {}, to.link, 'consume');
    expect(to.asked).to.deep.equal(asks);
    to.answers.set('r', refuse(403, 'ACCESS_REFUSED'));
    const added = keeper.add(topologyOf({ queues: [queueOf('r')] }), {}, to.link, 'consume');
    expect(await rejectionOf(added)).to.include({ code: 'LEV_TOPOLOGY_REFUSED' });
    expect([keeper.declares('r'), told]).to.deep.equal([false, ['consume LEV_TOPOLOGY_REFUSED, fatal']]);
  });

  it('declares on a connection also what is added while it declares', async () => {
    const { keeper, to } = setUp();
    await keeper.add(q, {}, undefined, 'consume');
    to.answers.set('q', async () => {
      to.answers.clear();
      await keeper.add(topologyOf({ queues: [queueOf('r')] }), {}, undefined, 'consume');
    });
    await keeper.declareAll(to.link, 'consume', true);
    expect(to.asked).to.deep.equal([...asks, ...asks, 'assertQueue r']);
  });

  it('knows which exchanges hold messages back', async () => {
    const { keeper } = setUp();
    await keeper.add(
      topologyOf({ exchanges: [exchangeOf('x', { type: 'x-delayed-message' }), exchangeOf('y')] }),
      {},
      undefined,
      'publish',
    );
    expect([keeper.delays('x'), keeper.delays('y')]).to.deep.equal([true, false]);
  });

  it('tells once that something exists with other properties, and goes on', async () => {
    const { keeper, to, told } = setUp();
    await keeper.add(q, {}, undefined, 'consume');
    await keeper.declareAll(to.link, 'consume', true);
    expect(keeper.isAsDeclared('q')).to.equal(true);
    to.answers.set('q', refuse(406, OTHER));
    await keeper.declareAll(to.link, 'consume', true);
    await keeper.declareAll(to.link, 'consume', false);
    expect([told, keeper.isAsDeclared('q')]).to.deep.equal([['consume LEV_TOPOLOGY_MISMATCH'], false]);
  });

  it('ends a start over it where it is told to, each time, and no later connection', async () => {
    const { keeper, to, told } = setUp('fail');
    await keeper.add(q, {}, undefined, 'consume');
    to.answers.set('q', refuse(406, OTHER));
    for (const _ of ['once', 'again']) {
      expect(await rejectionOf(keeper.declareAll(to.link, 'consume', true))).to.include({
        code: 'LEV_TOPOLOGY_MISMATCH',
      });
    }
    await keeper.declareAll(to.link, 'consume', false);
    expect(told).to.deep.equal(['consume LEV_TOPOLOGY_MISMATCH, fatal', 'consume LEV_TOPOLOGY_MISMATCH, fatal']);
  });

  it('tells once what a broker no longer knows', async () => {
    const { keeper, to, told } = setUp();
    await keeper.add(topologyOf({ queues: [queueOf('q', { lazy: true })] }), {}, undefined, 'consume');
    for (const _ of ['once', 'again']) await keeper.declareAll(to.link, 'consume', true);
    expect(told).to.deep.equal(['notice']);
  });

  describe('of a queue that cannot be had now', () => {
    it('ends the start, unless it can wait', async () => {
      const { keeper, to, told } = setUp();
      to.answers.set('q', refuse(404, DOWN));
      await keeper.add(q, {}, undefined, 'consume');
      expect(await rejectionOf(keeper.declareAll(to.link, 'consume', true))).to.include({
        code: 'LEV_TOPOLOGY_UNAVAILABLE',
      });
      await keeper.add(q, { canWait: (name) => name === 'q' }, undefined, 'consume');
      await keeper.declareAll(to.link, 'consume', true);
      expect(told).to.deep.equal(['consume LEV_TOPOLOGY_UNAVAILABLE, fatal']);
      to.end(new Error('over'));
    });

    it('asks again and again, ever more rarely, until it is there, and tells it once', async () => {
      const { keeper, to, told, clock } = setUp();
      to.answers.set('q', refuse(404, DOWN));
      await keeper.add(q, {}, undefined, 'consume');
      await keeper.declareAll(to.link, 'consume', false);
      const times = () => to.asked.filter((each) => each === 'assertQueue q').length;
      expect([times(), to.listeners]).to.deep.equal([1, 1]);
      for (const [pause, count] of [
        [1_000, 2],
        [2_000, 3],
        [4_000, 4],
        [8_000, 5],
        [16_000, 6],
        [30_000, 7],
        [30_000, 8],
      ] as const) {
        const [wait] = clock.waits;
        expect(wait).to.be.within(pause, pause * 1.2);
        await clock.advance(wait ?? 0);
        expect([times(), clock.waits.length]).to.deep.equal([count, 1]);
      }
      expect([told, keeper.isAsDeclared('q')]).to.deep.equal([['consume LEV_TOPOLOGY_UNAVAILABLE'], false]);
      to.answers.clear();
      await clock.advance(36_000);
      expect(to.asked.slice(-2)).to.deep.equal(['assertQueue q', 'bindQueue q x key']);
      expect([keeper.isAsDeclared('q'), to.listeners, clock.waits]).to.deep.equal([true, 0, []]);
      await clock.advance(120_000);
      expect(times()).to.equal(9);
    });

    it('asks no more once the connection has ended', async () => {
      const { keeper, to, clock } = setUp();
      to.answers.set('q', refuse(404, DOWN));
      await keeper.add(q, {}, undefined, 'consume');
      await keeper.declareAll(to.link, 'consume', false);
      const asked = to.asked.length;
      to.end(new Error('read ECONNRESET'));
      await clock.advance(120_000);
      expect([to.asked.length, clock.waits]).to.deep.equal([asked, []]);
    });
  });

  describe('of a queue about which there is no answer', () => {
    const silent = () => {
      let answer = (_value?: unknown) => {};
      const answered = new Promise((resolve) => {
        answer = resolve;
      });
      return { answered: () => answered, answer: () => answer({}) };
    };

    it('says so after ten seconds of a start, and for how long', async () => {
      const { keeper, to, told, clock } = setUp();
      to.answers.set('q', silent().answered);
      await keeper.add(q, {}, undefined, 'consume');
      await clock.advance(500);
      const started = rejectionOf(keeper.declareAll(to.link, 'consume', true));
      await clock.advance(0);
      await clock.advance(1_000);
      expect(keeper.unanswered()).to.deep.equal([{ kind: 'declare', name: 'queue "q"', forMs: 1_000 }]);
      await clock.advance(9_999);
      expect(told).to.deep.equal([]);
      await clock.advance(1);
      expect(await started).to.include({ code: 'LEV_TOPOLOGY_UNAVAILABLE' });
      expect(told).to.deep.equal(['consume LEV_TOPOLOGY_UNAVAILABLE, fatal']);
    });

    it('waits for it beside everything else on a later connection, and takes the answer when it comes', async () => {
      const { keeper, to, told, clock } = setUp();
      const { answered, answer } = silent();
      to.answers.set('q', answered);
      await keeper.add(q, {}, undefined, 'consume');
      const declared = keeper.declareAll(to.link, 'consume', false);
      await clock.advance(0);
      await clock.advance(1_000);
      await declared;
      expect(told).to.deep.equal([]);
      await clock.advance(10_000);
      expect(told).to.deep.equal(['consume LEV_TOPOLOGY_UNAVAILABLE']);
      answer();
      await clock.advance(1);
      expect([keeper.isAsDeclared('q'), keeper.unanswered(), to.open]).to.deep.equal([true, [], 0]);
      // What is unanswered another time is news again.
      to.answers.set('q', silent().answered);
      const again = keeper.declareAll(to.link, 'consume', false);
      await clock.advance(0);
      await clock.advance(1_000);
      await again;
      await clock.advance(10_000);
      expect(told).to.have.lengthOf(2);
    });
  });

  describe('of one queue that is declared again', () => {
    it('declares it with its bindings and their exchanges, and nothing of one that it does not know', async () => {
      const { keeper, to } = setUp();
      await keeper.add(q, {}, undefined, 'consume');
      await keeper.redeclare('other', to.link);
      expect(to.asked).to.deep.equal([]);
      await keeper.redeclare('q', to.link);
      expect(to.asked).to.deep.equal(asks);
    });

    it('is done when the connection ends over it: the next one declares everything', async () => {
      const { keeper, to, told } = setUp();
      await keeper.add(q, {}, undefined, 'consume');
      to.answers.set('q', () => {
        to.end(new Error('read ECONNRESET'));
        return Promise.reject(new Error('gone'));
      });
      await keeper.redeclare('q', to.link);
      expect([told, to.asked]).to.deep.equal([[], asks.slice(0, 2)]);
    });
  });
});
