import { type Logger, silentLogger, type Unanswered } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { judgeHealth } from './health.js';
import { type StandstillEvent, StandstillWatch, standstillsOf } from './standstill-watch.js';

const publish = (routingKey: string, forMs: number): Unanswered => ({
  kind: 'publish',
  exchange: '',
  routingKey,
  forMs,
  nacks: 0,
});
const consume = (queue: string, forMs: number): Unanswered => ({ kind: 'consume', queue, forMs });

function setUp() {
  const clock = new FakeClock();
  const events: StandstillEvent[] = [];
  const lines: string[] = [];
  const line = (fields: object, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`);
  const logger: Logger = { ...silentLogger, info: line, warn: line };
  const world = { unanswered: [] as readonly Unanswered[] };
  const watch = new StandstillWatch({
    clock,
    logger,
    events: { idle: false, emit: (event) => void events.push(event) },
    unanswered: () => world.unanswered,
  });
  watch.start();
  return { clock, events, lines, world, watch };
}

describe('StandstillWatch', () => {
  it('tells once what begins to stand still, and once that it has ended', async () => {
    const { clock, events, lines, world, watch } = setUp();
    world.unanswered = [publish('stuck', 5_000)];
    await clock.advance(3_000);
    expect(watch.standstills).to.deep.equal(world.unanswered);
    expect(events).to.deep.equal([{ type: 'standstill-began', standstill: publish('stuck', 5_000) }]);
    world.unanswered = [];
    await clock.advance(3_000);
    expect(events.map(({ type }) => type)).to.deep.equal(['standstill-began', 'standstill-ended']);
    expect(watch.standstills).to.deep.equal([]);
    expect(lines).to.have.length(2);
    expect(lines[0]).to.include('the broker does not answer').and.to.include('publishing to queue \\"stuck\\"');
  });

  it('writes one line, however much begins to stand still at a time', async () => {
    const { clock, events, lines, world } = setUp();
    world.unanswered = Array.from({ length: 30 }, (_, index) => consume(`q${index}`, 6_000));
    await clock.advance(2_000);
    expect(events).to.have.length(30);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include('"more":20');
  });

  it('looks no more, and names nothing, once it is stopped', async () => {
    const { clock, events, world, watch } = setUp();
    world.unanswered = [consume('q', 9_000)];
    await clock.advance(1_000);
    watch.stop();
    world.unanswered = [];
    await clock.advance(5_000);
    expect(watch.standstills).to.deep.equal([]);
    expect(events).to.have.length(1);
  });

  it('degrades the health', () => {
    const connected = [{ role: 'publish', state: 'connected', blocked: false }] as never;
    const judge = (standstills: readonly Unanswered[]) =>
      judgeHealth(true, connected, [], [], undefined, [], standstills);
    expect(judge([]).status).to.equal('up');
    expect(judge([publish('stuck', 5_000)])).to.deep.include({
      status: 'degraded',
      standstills: [publish('stuck', 5_000)],
    });
  });
});

describe('standstillsOf', () => {
  const named = (unanswered: readonly Unanswered[]) => [...standstillsOf(unanswered, 5_000).values()];

  it('takes what has had no answer for long enough', () => {
    expect(named([consume('a', 4_999), consume('b', 5_000)])).to.deep.equal([consume('b', 5_000)]);
  });

  it('names several that ask for the same once, with the longest wait', () => {
    const declare = (forMs: number): Unanswered => ({ kind: 'declare', name: 'queue "a"', forMs });
    const asked = [consume('a', 6_000), consume('a', 8_000), consume('a', 7_000), declare(5_000), declare(6_000)];
    expect(named(asked)).to.deep.equal([consume('a', 8_000), declare(6_000)]);
  });
});
