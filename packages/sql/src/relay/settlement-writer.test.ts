import { type LogFields, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { eventually } from '../test-support/eventually.js';
import type { Settled, Settlement } from './relay-rows.js';
import { type RelayCounters, zeroCounters } from './relay-stats.js';
import { SettlementWriter } from './settlement-writer.js';

const conflict = () => Object.assign(new Error('deadlock detected'), { code: '40P01' });
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('SettlementWriter', () => {
  let clock: FakeClock;
  let counters: RelayCounters;
  let written: number[][];
  let asked: Settlement[];
  let lines: [LogFields, string][];
  let health: { well: sinon.SinonSpy; amiss: sinon.SinonSpy; parked: sinon.SinonSpy };
  let answer: (settlement: Settlement) => Promise<Settled>;
  let writer: SettlementWriter;

  beforeEach(() => {
    sinon.stub(Math, 'random').returns(0);
    clock = new FakeClock();
    counters = zeroCounters();
    [written, asked, lines] = [[], [], []];
    health = { well: sinon.spy(), amiss: sinon.spy(), parked: sinon.spy() };
    answer = async ({ confirmed, refused }) => ({ deleted: confirmed.length, parked: refused.length });
    writer = new SettlementWriter({
      clock,
      counters,
      health: health as never,
      logger: { ...silentLogger, warn: (...line) => void lines.push(line) },
      settle: (settlement) => {
        asked.push(settlement);
        return answer(settlement);
      },
      onWritten: (ids) => void written.push([...ids]),
    });
  });
  afterEach(() => sinon.restore());

  it('writes down together what settles in one turn, and tells all of it', async () => {
    writer.add('confirmed', 1, 2);
    writer.add('released', { id: 3, delayMs: 5 });
    writer.add('aside', 4);
    writer.add('refused', { id: 5, delayMs: 10, error: 'full' });
    writer.add('keys', 'k');
    answer = async () => ({ deleted: 2, parked: 0 });
    await eventually('it is written', () => written.length === 1);
    expect(asked).to.deep.equal([
      {
        confirmed: [1, 2],
        keys: ['k'],
        released: [{ id: 3, delayMs: 5 }],
        aside: [4],
        refused: [{ id: 5, delayMs: 10, error: 'full' }],
      },
    ]);
    expect(written).to.deep.equal([[1, 2, 3, 4, 5]]);
    expect(counters).to.include({ published: 2, lostLeases: 0, parked: 0, databaseErrors: 0 });
    expect(health.well.args).to.deep.equal([['write']]);
    expect([health.parked.callCount, health.amiss.callCount, lines.length]).to.deep.equal([0, 0, 0]);
  });

  it('writes what settles meanwhile behind that, and begins again later', async () => {
    writer.add('confirmed', 1);
    let go: () => void = () => {};
    answer = () =>
      new Promise((resolve) => {
        go = () => resolve({ deleted: 1, parked: 0 });
      });
    await eventually('it writes', () => asked.length === 1);
    writer.add('confirmed', 2);
    writer.add('confirmed', 3);
    await turn();
    expect(asked).to.have.lengthOf(1);
    go();
    await eventually('it writes the rest', () => asked.length === 2);
    expect(asked[1]?.confirmed).to.deep.equal([2, 3]);
    go();
    await eventually('both are written', () => written.length === 2);
    writer.add('confirmed', 4);
    await eventually('it writes again', () => asked.length === 3);
  });

  it('counts what somebody else had taken, and what was parked, and tells of each that was', async () => {
    writer.add('confirmed', 1, 2, 3);
    writer.add(
      'refused',
      { id: 4, delayMs: 'never', error: 'no such exchange' },
      { id: 5, delayMs: 10, error: 'full' },
    );
    answer = async () => ({ deleted: 1, parked: 1 });
    await eventually('it is written', () => written.length === 1);
    expect(counters).to.include({ published: 3, lostLeases: 2, parked: 1 });
    expect(health.parked.args).to.deep.equal([[4, 'no such exchange']]);
  });

  it('tells nothing of one that was to be parked and was somebody else’s', async () => {
    writer.add('refused', { id: 4, delayMs: 'never', error: 'no such exchange' });
    answer = async () => ({ deleted: 0, parked: 0 });
    await eventually('it is written', () => written.length === 1);
    expect(health.parked.callCount).to.equal(0);
  });

  it('writes again at once behind a conflict, ten times, and takes that for no trouble', async () => {
    answer = () => Promise.reject(conflict());
    writer.add('confirmed', 1);
    await eventually('it waits', () => clock.waits.length === 1);
    const waits: number[] = [];
    for (let n = 0; n < 10; n++) {
      waits.push(clock.waits[0] ?? 0);
      expect([counters.databaseErrors, lines.length]).to.deep.equal([0, 0]);
      await clock.advance(clock.waits[0] ?? 0);
    }
    expect(waits).to.deep.equal([5, 10, 20, 40, 80, 160, 320, 500, 500, 500]);
    expect([asked.length, counters.databaseErrors]).to.deep.equal([11, 1]);
  });

  it('tries three times more when the database does not answer, and then leaves it to the end of the lease', async () => {
    const away = new Error('away');
    answer = () => Promise.reject(away);
    writer.add('confirmed', 1, 2);
    await eventually('it waits', () => clock.waits.length === 1);
    const waits: number[] = [];
    for (let n = 0; n < 3; n++) {
      expect(written).to.deep.equal([]);
      waits.push(clock.waits[0] ?? 0);
      await clock.advance(clock.waits[0] ?? 0);
    }
    expect(waits).to.deep.equal([50, 200, 1000]);
    expect(written).to.deep.equal([[1, 2]]);
    expect([asked.length, counters.databaseErrors, clock.waits]).to.deep.equal([4, 4, []]);
    expect(health.amiss.args).to.deep.equal(Array.from({ length: 4 }, () => ['write', away]));
    expect(lines).to.deep.equal(
      Array.from({ length: 4 }, () => [
        { err: away, ids: 2 },
        'what became of messages of the outbox could not be written down',
      ]),
    );
    expect(health.well.callCount).to.equal(0);
    answer = async () => ({ deleted: 1, parked: 0 });
    writer.add('confirmed', 3);
    await eventually('it goes on with the next', () => written.length === 2);
    expect(health.well.callCount).to.equal(1);
  });
});
