import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { BrokerPatience, DEFAULT_CONSUMER_TIMEOUT_MS } from './broker-patience.js';
import { TurnWatch } from './turn-watch.js';

describe('BrokerPatience', () => {
  it('leaves three quarters of the timeout to the wait for a turn, and a quarter of it to the handler', () => {
    expect(DEFAULT_CONSUMER_TIMEOUT_MS).to.equal(1_800_000);
    expect(new BrokerPatience(1000)).to.include({ timeoutMs: 1000, turnMs: 750 });
    expect(new BrokerPatience(Number.POSITIVE_INFINITY).turnMs).to.equal(Number.POSITIVE_INFINITY);
  });

  it('learns of less patience, and of no more', () => {
    const patience = new BrokerPatience(1000);
    for (const [learnt, known] of [
      [2000, 1000],
      [400, 400],
      [0, 400],
      [-1, 400],
      [1, 1],
    ] as const) {
      patience.learn(learnt);
      expect(patience.timeoutMs, `${learnt}`).to.equal(known);
    }
  });
});

describe('TurnWatch', () => {
  function setUp(timeoutMs = 1000) {
    const clock = new FakeClock();
    const beganAt = clock.monotonic();
    const row: { oldest: number | undefined; overdue: number[] } = { oldest: undefined, overdue: [] };
    const watch = new TurnWatch(
      clock,
      new BrokerPatience(timeoutMs),
      () => (row.oldest === undefined ? undefined : beganAt + row.oldest),
      () => row.overdue.push(clock.elapsed),
    );
    return { clock, row, watch };
  }

  it('tells when the first has waited for three quarters of the timeout, once', async () => {
    const { clock, row, watch } = setUp();
    row.oldest = 0;
    watch.begin();
    watch.begin();
    expect(clock.waits).to.deep.equal([750]);
    await clock.advance(749);
    expect(row.overdue).to.deep.equal([]);
    await clock.advance(5000);
    expect([row.overdue, clock.waits]).to.deep.equal([[750], []]);
    watch.begin();
    await clock.advance(0);
    expect(row.overdue).to.deep.equal([750, 5749]);
  });

  it('waits for what is first by then', async () => {
    const { clock, row, watch } = setUp();
    row.oldest = 0;
    watch.begin();
    await clock.advance(700);
    row.oldest = 600;
    await clock.advance(1000);
    expect(row.overdue).to.deep.equal([1350]);
  });

  it('has nothing to do where nothing waits, or the broker waits for ever', async () => {
    const { clock, row, watch } = setUp();
    watch.begin();
    expect(clock.waits).to.deep.equal([]);
    row.oldest = 0;
    watch.begin();
    row.oldest = undefined;
    await clock.advance(1000);
    expect([row.overdue, clock.waits]).to.deep.equal([[], []]);
    const endless = setUp(Number.POSITIVE_INFINITY);
    endless.row.oldest = 0;
    endless.watch.begin();
    expect(endless.clock.waits).to.deep.equal([]);
  });

  it('leaves no timer when it ends, and begins again', () => {
    const { clock, row, watch } = setUp();
    row.oldest = 0;
    watch.begin();
    watch.end();
    watch.end();
    expect(clock.waits).to.deep.equal([]);
    watch.begin();
    expect(clock.waits).to.deep.equal([750]);
  });
});
