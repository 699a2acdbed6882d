import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { KillSwitchPolicy } from '../outage/kill-switch.js';
import type { Consumer } from './consumer.js';
import type { ListenerDefinition } from './listener-definition.js';
import { ListenerFlow } from './listener-flow.js';

const SWITCH: KillSwitchPolicy = { activeAt: 2, tripAt: 1, withinMs: 600_000, pauseMs: 30_000 };

/** A consumer as far as a flow asks it, which writes down what it is told. */
class FakeConsumer {
  calls: string[] = [];
  waits = 0;
  isAtWork = false;
  isProbing = false;
  isShut = false;
  limit = Number.POSITIVE_INFINITY;
  workers = 1;

  open(prefetch?: number, limit?: number): void {
    this.isShut = false;
    this.limit = limit ?? Number.POSITIVE_INFINITY;
    this.calls.push(prefetch === undefined ? 'open' : `open ${prefetch} of ${limit}`);
  }

  shut(inHand: string): void {
    this.isShut = true;
    this.calls.push(`shut ${inHand}`);
  }

  takeOne(inHand: string, fetches: boolean): void {
    this.calls.push(`take one ${inHand}${fetches ? ', fetches' : ''}`);
  }

  /** What it was told since the last time. */
  told(): string[] {
    return this.calls.splice(0);
  }
}

function setUp(parts: Partial<ListenerDefinition> & { readonly version?: string } = {}, count = 1) {
  const clock = new FakeClock();
  const consumers = Array.from({ length: count }, () => new FakeConsumer());
  const told: unknown[] = [];
  const { version = '3.10.0', ...definition } = parts;
  const flow = new ListenerFlow({
    definition: {
      ...{ acknowledge: 'auto', ordered: false, consumerArguments: {}, concurrency: count, killSwitch: SWITCH },
      queueDeclaration: { type: 'quorum', declare: 'always' },
      ...definition,
    } as ListenerDefinition,
    transport: { broker: { product: 'RabbitMQ', version, frameMax: 131_072 } },
    clock,
    redact: (text) => text.replace('secret', '***'),
    consumers: () => consumers as unknown as Consumer[],
    paused: (state, forMs) => told.push(['paused', state.by, state.reason, forMs]),
    resumed: (by, afterMs) => told.push(['resumed', by, afterMs]),
    probed: (succeeded) => told.push(['probed', succeeded]),
    doubted: (doubt) => told.push(['doubted', doubt]),
  });
  const [consumer] = consumers as [FakeConsumer];
  const fail = (times: number, error: unknown = new Error('down')) =>
    Array.from({ length: times }, () => flow.failed(error, flow.moment, 1));
  return { clock, flow, consumer, consumers, told, fail };
}

describe('ListenerFlow', () => {
  it('takes what comes as long as nobody pauses it', () => {
    const { flow, told } = setUp({}, 3);
    expect(flow).to.include({ inHand: undefined, isOutage: false, pause: undefined, wanted: 3, rate: undefined });
    flow.resume('person');
    flow.rests();
    flow.stopped();
    expect(told).to.deep.equal([]);
  });

  it('makes nothing of what succeeds while nothing is amiss', () => {
    const { flow, told, consumer, clock } = setUp();
    flow.succeeded(flow.moment);
    expect([told, consumer.told(), clock.waits, flow.wanted]).to.deep.equal([[], [], [], 1]);
  });

  it('has a rate, and a kill switch, where its listener has them', () => {
    const { flow } = setUp({ maxRate: { messages: 1, perMs: 1000 }, killSwitch: undefined });
    expect(flow.rate?.waitMs).to.equal(0);
    expect([flow.killSwitch, flow.moment, flow.failed(new Error('x'), 0, 1)]).to.deep.equal([undefined, 0, false]);
    const watching = { state: 'watching', trips: 0, failed: 0, of: 0 };
    expect(setUp().flow.killSwitch).to.deep.equal(watching);
  });

  describe('paused by a person', () => {
    it('shuts its consumers, says until when, and goes on by itself', async () => {
      const { clock, flow, consumers, told } = setUp({}, 2);
      flow.pauseFor('deploy', 5000);
      expect(flow.pause).to.deep.equal({
        ...{ by: 'person', reason: 'deploy', pausedAt: clock.now(), resumesAt: clock.now() + 5000 },
      });
      expect([flow.wanted, flow.isOutage, flow.inHand, clock.waits]).to.deep.equal([0, false, 'keep', [5000]]);
      expect(consumers.map((each) => each.told())).to.deep.equal([['shut keep'], ['shut keep']]);
      await clock.advance(5000);
      expect(consumers.map((each) => each.told())).to.deep.equal([['open'], ['open']]);
      expect(told).to.deep.equal([
        ['paused', 'person', 'deploy', 5000],
        ['resumed', 'time', 5000],
      ]);
      expect([flow.pause, flow.wanted, clock.waits]).to.deep.equal([undefined, 2, []]);
    });

    it('keeps what it has for a minute, and gives it back then', async () => {
      const { clock, flow, consumer } = setUp();
      flow.pauseFor('x', undefined);
      expect([flow.pause?.resumesAt, clock.waits, consumer.told()]).to.deep.equal([undefined, [60_000], ['shut keep']]);
      await clock.advance(60_000);
      expect([flow.inHand, consumer.told(), clock.waits]).to.deep.equal(['give-back', ['shut give-back'], []]);
      flow.resume('person');
      expect(consumer.told()).to.deep.equal(['open']);
    });

    it('keeps it to the end of a pause of a minute, and what the broker has forgotten for ever', () => {
      for (const [parts, forMs, waits] of [
        [{}, 60_000, [60_000]],
        [{}, 60_001, [60_000, 60_001]],
        [{ acknowledge: 'none' }, undefined, []],
        [{ version: '4.3.0' }, undefined, []],
      ] as const) {
        const { clock, flow } = setUp(parts);
        flow.pauseFor('x', forMs);
        expect(clock.waits, JSON.stringify(parts)).to.deep.equal(waits);
      }
    });

    it('is paused anew: the last reason and end count, from the first moment on', async () => {
      const { clock, flow, told } = setUp();
      flow.pauseFor('one', 5000);
      await clock.advance(1000);
      flow.pauseFor('two', 10_000);
      expect(clock.waits).to.deep.equal([10_000]);
      await clock.advance(10_000);
      expect(told.slice(1)).to.deep.equal([
        ['paused', 'person', 'two', 10_000],
        ['resumed', 'time', 11_000],
      ]);
    });

    it('stays so over a stop, with its end', () => {
      const { clock, flow } = setUp();
      flow.pauseFor('x', 5000);
      flow.stopped();
      expect([flow.pause?.by, clock.waits]).to.deep.equal(['person', [5000]]);
    });

    it('leaves no timer when it is resumed before, and what failed before counts no more', () => {
      const { clock, flow, fail, told } = setUp();
      fail(1);
      flow.pauseFor('x', 90_000);
      flow.resume('person');
      expect(clock.waits).to.deep.equal([]);
      fail(1);
      expect(flow.pause).to.equal(undefined);
      flow.resume('person');
      fail(1);
      expect([flow.pause, told.length]).to.deep.equal([undefined, 2]);
    });

    it('is not paused by its kill switch besides', () => {
      const { flow, fail } = setUp();
      flow.pauseFor('x', undefined);
      expect(fail(5)).to.deep.equal(Array(5).fill(false));
      expect([flow.pause?.by, flow.killSwitch?.trips]).to.deep.equal(['person', 0]);
    });
  });

  describe('paused by its kill switch', () => {
    it('shuts its consumers at the share, and tells the reason without secrets', () => {
      const { clock, flow, consumer, told, fail } = setUp();
      expect(fail(2, new Error('secret db is down'))).to.deep.equal([false, true]);
      const reason = '2 of the latest 2 attempts failed; the last: *** db is down';
      expect(told).to.deep.equal([['paused', 'kill-switch', reason, 30_000]]);
      expect(flow.pause).to.deep.equal({
        ...{ by: 'kill-switch', reason, pausedAt: clock.now(), resumesAt: clock.now() + 30_000 },
      });
      expect([flow.isOutage, flow.wanted, consumer.told(), clock.waits]).to.deep.equal([
        ...[true, 0, ['shut keep'], [30_000]],
      ]);
    });

    it('hears one message a third as often as it looks at attempts', () => {
      const { flow } = setUp({ killSwitch: { ...SWITCH, activeAt: 6 } });
      for (const failures of [1, 2, 3, 4, 5, 6, 7, 8]) flow.failed(new Error('x'), flow.moment, failures);
      expect(flow.killSwitch).to.include({ failed: 2, of: 2 });
    });

    it('asks which errors count, and counts one about which it cannot be told', () => {
      const doubt = new Error('bug');
      const when = (error: unknown) => {
        if (error === 'doubt') throw doubt;
        return error === 'down';
      };
      const { flow, told } = setUp({ killSwitch: { ...SWITCH, activeAt: 9, when } });
      for (const error of ['down', 'mine', 'doubt']) flow.failed(error, flow.moment, 1);
      expect([flow.killSwitch?.of, told]).to.deep.equal([2, [['doubted', doubt]]]);
      const retryable = setUp({
        killSwitch: { ...SWITCH, activeAt: 9 },
        retry: { retryable: (error: unknown) => error === 'down' } as never,
      });
      for (const error of ['down', 'mine']) retryable.flow.failed(error, retryable.flow.moment, 1);
      expect(retryable.flow.killSwitch?.of).to.equal(1);
    });

    it('tries one message behind each pause until one succeeds, and comes back', async () => {
      const { clock, flow, consumer, told, fail } = setUp();
      fail(2);
      consumer.told();
      await clock.advance(30_000);
      expect([consumer.told(), flow.killSwitch?.state]).to.deep.equal([['take one keep, fetches'], 'probing']);
      expect(fail(1)).to.deep.equal([true]);
      expect(told.at(-1)).to.deep.equal(['probed', false]);
      expect([flow.pause?.resumesAt, clock.waits]).to.deep.equal([clock.now() + 30_000, [30_000]]);
      await clock.advance(30_000);
      consumer.told();
      flow.succeeded(flow.moment);
      expect(told.slice(-2)).to.deep.equal([
        ['probed', true],
        ['resumed', 'kill-switch', 60_000],
      ]);
      expect([flow.pause, flow.wanted, clock.waits]).to.deep.equal([undefined, 1, [1000]]);
      expect(consumer.told()).to.deep.equal(['open 1 of 1']);
      await clock.advance(1000);
      expect([consumer.told(), flow.killSwitch?.state, clock.waits]).to.deep.equal([['open'], 'watching', []]);
    });

    it('takes the message that waits for longest where nothing new came within a second', async () => {
      const { clock, consumer, fail } = setUp();
      fail(2);
      consumer.waits = 2;
      await clock.advance(30_000);
      consumer.told();
      await clock.advance(1000);
      expect(consumer.told()).to.deep.equal([]);
      const other = setUp();
      other.fail(2);
      other.consumer.waits = 2;
      await other.clock.advance(30_000);
      other.consumer.told();
      other.consumer.isProbing = true;
      await other.clock.advance(1000);
      expect(other.consumer.told()).to.deep.equal(['take one keep']);
    });

    it('leaves no timer of a probe to a person who decides meanwhile', async () => {
      for (const decide of [
        (flow: ListenerFlow) => flow.resume('person'),
        (flow: ListenerFlow) => flow.stopped(),
        (flow: ListenerFlow) => flow.pauseFor('deploy', 90_000),
      ]) {
        const { clock, flow, consumer, fail } = setUp({ version: '4.3.0' });
        fail(2);
        consumer.waits = 2;
        await clock.advance(30_000);
        expect(clock.waits).to.deep.equal([1000]);
        decide(flow);
        expect(clock.waits).to.not.include(1000);
      }
    });

    it('fetches no further message once it keeps five that failed as probes', async () => {
      const { clock, consumer, fail } = setUp();
      fail(2);
      consumer.told();
      consumer.waits = 5;
      await clock.advance(30_000);
      expect([consumer.told(), clock.waits]).to.deep.equal([['take one keep'], []]);
    });

    it('tries with the consumer that has something, else with one that is free', async () => {
      for (const [states, expected] of [
        [[{}, {}, { waits: 1 }], 2],
        [[{ isAtWork: true }, {}, {}], 1],
        [[{ isAtWork: true }, { isAtWork: true }, { isAtWork: true }], 0],
      ] as const) {
        const { clock, consumers, fail } = setUp({}, 3);
        fail(2);
        for (const each of consumers) each.told();
        for (const [index, each] of consumers.entries()) Object.assign(each, states[index]);
        await clock.advance(30_000);
        expect(consumers.findIndex((each) => each.told().length > 0)).to.equal(expected);
      }
    });

    it('gives back what is probed on a stream, and keeps its place in an ordered queue', async () => {
      for (const [parts, inHand] of [
        [{ queueDeclaration: { type: 'stream', declare: 'always' } as never }, 'give-back'],
        [{ ordered: true }, 'keep-place'],
        [{ version: '4.3.0' }, 'keep, fetches'],
      ] as const) {
        const { clock, consumer, fail } = setUp(parts);
        fail(2);
        consumer.told();
        await clock.advance(30_000);
        expect(consumer.told()).to.deep.equal([`take one ${inHand}`]);
      }
    });

    it('tries again soon where a probe proved nothing', async () => {
      const { clock, flow, consumer, fail } = setUp();
      fail(2);
      flow.rests();
      expect(clock.waits).to.deep.equal([30_000]);
      await clock.advance(30_000);
      consumer.told();
      consumer.isProbing = true;
      flow.rests();
      expect(clock.waits).to.deep.equal([]);
      consumer.isProbing = false;
      flow.rests();
      expect([clock.waits, flow.pause?.resumesAt]).to.deep.equal([[1000], clock.now() + 1000]);
      await clock.advance(1000);
      expect(consumer.told()).to.deep.equal(['take one keep, fetches']);
    });

    it('comes back with twice as many workers each second, those with something to do first', async () => {
      const { clock, flow, consumers, fail } = setUp({}, 5);
      fail(2);
      await clock.advance(30_000);
      for (const each of consumers) each.told();
      (consumers[3] as FakeConsumer).waits = 1;
      flow.succeeded(flow.moment);
      const open = () => consumers.map(({ isShut }) => !isShut);
      expect([open(), flow.wanted]).to.deep.equal([[false, false, false, true, false], 1]);
      await clock.advance(1000);
      expect([open().filter(Boolean).length, flow.wanted]).to.deep.equal([2, 2]);
      expect((consumers[3] as FakeConsumer).told()).to.deep.equal(['open 1 of 1']);
      await clock.advance(1000);
      expect([open().filter(Boolean).length, flow.wanted]).to.deep.equal([4, 4]);
      await clock.advance(1000);
      expect([open().filter(Boolean).length, flow.wanted]).to.deep.equal([5, 5]);
      for (const each of consumers) each.told();
      await clock.advance(1000);
      expect(consumers.map((each) => each.told())).to.deep.equal(Array(5).fill(['open']));
      expect([flow.wanted, flow.killSwitch?.state, clock.waits]).to.deep.equal([5, 'watching', []]);
    });

    it('shares workers out to consumers that have several', async () => {
      const { clock, flow, consumers, fail } = setUp({ concurrency: 6 }, 2);
      for (const each of consumers) each.workers = 3;
      fail(2);
      await clock.advance(30_000);
      for (const each of consumers) each.told();
      flow.succeeded(flow.moment);
      await clock.advance(2000);
      expect(consumers.map((each) => each.told())).to.deep.equal([
        ['open 1 of 1', 'open 1 of 2', 'open 1 of 3'],
        ['open 1 of 1'],
      ]);
    });

    it('ends for a person, and with the listener', async () => {
      for (const end of ['resume', 'stopped', 'pauseFor'] as const) {
        const { clock, flow, fail } = setUp();
        fail(2);
        await clock.advance(30_000);
        flow.succeeded(flow.moment);
        expect(clock.waits).to.deep.equal([1000]);
        if (end === 'pauseFor') flow.pauseFor('x', 500);
        else if (end === 'resume') flow.resume('person');
        else flow.stopped();
        expect(clock.waits).to.deep.equal(end === 'pauseFor' ? [500] : []);
        expect(flow.killSwitch?.state).to.equal('watching');
      }
      const { clock, flow, fail } = setUp();
      fail(2);
      flow.stopped();
      expect([flow.pause, clock.waits, flow.killSwitch?.state]).to.deep.equal([undefined, [], 'watching']);
    });

    it('trips again while it comes back, which ends that', async () => {
      const { clock, flow, fail } = setUp({}, 4);
      fail(2);
      await clock.advance(30_000);
      flow.succeeded(flow.moment);
      fail(2);
      expect([clock.waits, flow.wanted, flow.killSwitch?.trips]).to.deep.equal([[30_000], 0, 2]);
    });
  });
});
